"""Events to endpoints outside: signed, tried for days, and never sent to an address inside."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from connector.errors import PayloadError
from connector.jobs.owed import owe_decision, owe_video
from connector.jobs.send_webhooks import TRIES, WAITS, send_webhooks, wait_after
from connector.jobs.station import Station, close_station, open_station
from connector.model import Decision, Outcome, Subject, VideoStatus
from connector.notify import webhooks as outgoing
from connector.queues import Doorbell
from connector.secrets import new_key
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, endpoints, videos, webhooks
from connector.store.endpoints import EndpointRow
from connector.store.outgoing import owe_event
from connector.store.tables import webhooks as table
from tests.fakes.local import connect_local
from tests.notify.receiver import Receiver, receiving
from tests.road.conftest import Road

DAY = 86_400_000
PUBLIC = "93.184.216.34"
HUGE = 100_000_000


@dataclass
class Outside:
    """An installation with one endpoint, and somebody who listens there."""

    station: Station
    receiver: Receiver
    endpoint: str

    def owe(self, key: str = "v1") -> str:
        """Owe one event."""
        with self.station.store.write() as tx:
            [owed] = owe_event(
                tx,
                connection_id="local",
                kind="video.ready",
                key=key,
                contact_id="c1",
                data={"video_id": key},
            )
        return owed

    def row(self, webhook: str) -> Any:
        """Return a webhook as it is stored."""
        with self.station.store.read() as tx:
            return tx.execute(select(table).where(table.c.id == webhook)).one()

    def stored(self) -> EndpointRow:
        """Return the endpoint."""
        with self.station.store.read() as tx:
            found = endpoints.get(tx, self.endpoint)
        assert found
        return found

    def secrets(self) -> list[str]:
        """Return what its owner was shown, newest first."""
        with self.station.store.read() as tx:
            return endpoints.secrets_of(tx, self.station.keyring, self.endpoint)

    def change(self, webhook: str, **values: Any) -> None:
        """Make a webhook's columns what a test needs."""
        with self.station.store.write() as tx:
            tx.execute(update(table).where(table.c.id == webhook).values(**values))

    def send(self, webhook: str, times: int = 1) -> Any:
        """Let it be due and sent so many times; return its row."""
        for _ in range(times):
            self.change(webhook, due_at=0)
            send_webhooks([webhook])
        return self.row(webhook)


@pytest.fixture
def outside(sqlite_store: Store) -> Iterator[Outside]:
    """An endpoint on loopback, as it is allowed on a developer's machine."""
    with receiving() as receiver:
        close_station()
        station = open_station(Settings())
        connect_local(station.store, station.keyring, "local", [new_secret()])
        with station.store.write() as tx:
            endpoint = endpoints.add(tx, station.keyring, url=f"{receiver.url}/theirs")
        yield Outside(station, receiver, endpoint)
        close_station()


@pytest.fixture
def in_production(monkeypatch: pytest.MonkeyPatch, sqlite_store: Store) -> Iterator[Station]:
    """An installation with an https address."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://video.example.com")
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", new_key())
    close_station()
    station = open_station(Settings())
    connect_local(station.store, station.keyring, "local", [new_secret()])
    yield station
    close_station()


def proven(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Verify as the recipe of Standard Webhooks says, with nothing of ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def test_an_event_arrives_once_and_is_proven(outside: Outside) -> None:
    """The receiver verifies it by the standard recipe, and nobody else's secret fits."""
    webhook = outside.owe()
    send_webhooks([webhook])
    send_webhooks([webhook])

    [(path, headers, body)] = outside.receiver.arrived
    assert path == "/theirs"
    assert headers["webhook-id"] == webhook
    assert proven(outside.secrets()[0], headers, body)
    assert not proven(new_secret(), headers, body)
    assert json.loads(body)["data"]["video_id"] == "v1"
    assert (outside.row(webhook).work, outside.row(webhook).answer) == ("done", 202)


def test_after_a_rotation_both_secrets_prove_an_event(outside: Outside) -> None:
    """A receiver changes over whenever it likes."""
    with outside.station.store.write() as tx:
        endpoints.rotate_secret(tx, outside.station.keyring, outside.endpoint)
    send_webhooks([outside.owe()])

    [(_, headers, body)] = outside.receiver.arrived
    assert [proven(secret, headers, body) for secret in outside.secrets()] == [True, True]


def test_the_tries_follow_the_table() -> None:
    """Each wait is the table's and at most a tenth more; together they outlast three days."""
    for number, wait in enumerate(WAITS, start=1):
        waits = {wait_after(number, f"row{one}") for one in range(50)}
        assert all(wait <= one <= 1.1 * wait for one in waits)
        assert len(waits) > 1
    assert sum(WAITS) > 3 * 86_400


def test_a_failure_is_tried_again_later(outside: Outside) -> None:
    """The status is remembered, and the next try is five seconds away at first."""
    outside.receiver.status = 500
    webhook = outside.owe()
    before = outside.row(webhook).due_at
    send_webhooks([webhook])

    row = outside.row(webhook)
    assert (row.work, row.answer, row.error_reason) == ("due", 500, "status_500")
    assert 5_000 <= row.due_at - before < 60_000


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_a_pause_gets_it(outside: Outside, status: int) -> None:
    """Retry-After counts where it is longer than our own wait."""
    outside.receiver.status = status
    outside.receiver.headers = {"Retry-After": "1800"}
    webhook = outside.owe()
    before = outside.row(webhook).due_at
    send_webhooks([webhook])

    assert outside.row(webhook).due_at - before >= 1_800_000


def test_gone_switches_the_endpoint_off(outside: Outside) -> None:
    """A 410 ends it at once, with a reason, and nothing more is owed or sent."""
    first, second = outside.owe("v1"), outside.owe("v2")
    outside.receiver.status = 410
    send_webhooks([first])
    send_webhooks([second])

    assert outside.stored().state == "off"
    assert "410" in outside.stored().reason
    assert len(outside.receiver.arrived) == 1
    assert (outside.row(first).error_reason, outside.row(second).error_reason) == (
        "gone",
        endpoints.HELD,
    )


def test_after_the_last_try_it_is_a_dead_letter_and_the_endpoint_is_off(outside: Outside) -> None:
    """Nothing but failures in all this time: the endpoint is switched off and says so."""
    outside.receiver.status = 500
    webhook = outside.owe()
    row = outside.send(webhook, times=TRIES)

    assert (row.work, row.attempt, row.error_reason) == ("dead", TRIES, "status_500")
    assert len(outside.receiver.arrived) == TRIES
    assert outside.stored().state == "off"
    assert "three days" in outside.stored().reason


def test_one_success_keeps_an_endpoint_on(outside: Outside) -> None:
    """An event that it cannot take does not silence the others."""
    send_webhooks([outside.owe("good")])
    outside.receiver.status = 400
    row = outside.send(outside.owe("bad"), times=TRIES)

    assert row.work == "dead"
    assert outside.stored().state == "active"


def test_a_success_of_last_week_does_not(outside: Outside) -> None:
    """Only the last three days count."""
    good = outside.owe("good")
    send_webhooks([good])
    outside.change(good, due_at=outside.row(good).due_at - 4 * DAY)
    outside.receiver.status = 500
    outside.send(outside.owe("bad"), times=TRIES)

    assert outside.stored().state == "off"


def test_what_comes_due_during_a_pause_waits_for_its_end(outside: Outside) -> None:
    """It is kept with its reason, and can be sent again."""
    webhook = outside.owe()
    with outside.station.store.write() as tx:
        endpoints.set_state(tx, outside.endpoint, endpoints.PAUSED)
    send_webhooks([webhook])
    assert outside.receiver.arrived == []

    with outside.station.store.write() as tx:
        endpoints.set_state(tx, outside.endpoint, endpoints.ACTIVE)
        assert webhooks.replay(tx, outside.endpoint, reasons=(endpoints.HELD,)) == [webhook]
    assert outside.send(webhook).work == "done"


def test_a_redirect_is_not_followed(outside: Outside) -> None:
    """Not even to the metadata of a cloud."""
    outside.receiver.status = 302
    outside.receiver.headers = {"Location": "http://169.254.169.254/latest/meta-data/"}
    row = outside.send(outside.owe())

    assert (row.work, row.error_reason) == ("due", "status_302")
    assert len(outside.receiver.arrived) == 1


def test_a_forged_row_sends_nothing(outside: Outside) -> None:
    """The address is the endpoint's, whatever a row says; without an endpoint there is none."""
    moved, orphan = outside.owe("v1"), outside.owe("v2")
    outside.change(moved, url="http://169.254.169.254/latest")
    outside.change(orphan, endpoint_id="0" * 26)
    send_webhooks([moved, orphan])

    assert [path for path, _, _ in outside.receiver.arrived] == ["/theirs"]
    assert outside.row(moved).work == "done"
    assert outside.row(orphan).error_reason == "endpoint_removed"


def test_a_slow_endpoint_is_left_waiting(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever accepts and then says nothing costs us a moment, not a worker."""
    monkeypatch.setattr(outgoing, "DEADLINE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        _point(outside, f"http://127.0.0.1:{mute.getsockname()[1]}/")
        webhook = outside.owe()
        outside.change(webhook, answer=500)
        row = outside.send(webhook)

    assert (row.work, row.error_reason, row.answer) == ("due", "no_answer", None)


def test_a_huge_answer_is_not_read(outside: Outside) -> None:
    """Of many megabytes no more arrive than fit into the sockets: the status is all that counts."""
    poured: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_pour, args=(listener, poured))
        thread.start()
        _point(outside, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        row = outside.send(outside.owe())
        thread.join()

    assert (row.work, row.answer) == ("done", 200)
    assert sum(poured) < HUGE


@pytest.mark.parametrize(
    "address",
    ["10.0.0.7", "169.254.169.254", "127.0.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"],
)
def test_a_name_that_leads_inside_is_refused(
    in_production: Station, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """It is refused when it is sent, because DNS may say something else by then."""
    monkeypatch.setattr(socket, "getaddrinfo", _resolving([address]))
    monkeypatch.setattr("urllib3.util.connection.create_connection", _nobody_connects)
    webhook = _owed_in(in_production)
    send_webhooks([webhook])

    with in_production.store.read() as tx:
        row = tx.execute(select(table).where(table.c.id == webhook)).one()
    assert (row.work, row.error_reason) == ("dead", "address_refused")


def test_an_address_that_changes_after_the_check_is_not_used(
    in_production: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checked address is the one that is connected to; the name is not asked again."""
    called: list[str] = []

    def connect(address: tuple[str, int], *_args: object, **_options: object) -> socket.socket:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", _resolving([PUBLIC, "169.254.169.254"]))
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    send_webhooks([_owed_in(in_production)])

    assert called == [PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hooks",
        "http://127.0.0.1:8000/hooks",
        "https://127.0.0.1/hooks",
        "https://localhost/hooks",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://user@example.com/",
        "https://example.com:22/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\n",
        "https:///hooks",
        "/hooks/local/local",
        "ftp://example.com/",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_in_production_only_public_https_addresses_are_taken(url: str) -> None:
    """Everything else is refused before anybody asks DNS."""
    with pytest.raises(PayloadError):
        outgoing.check_address(url, production=True)


@pytest.mark.parametrize("url", ["https://example.com/h?x=1", "https://example.com:8443/"])
def test_a_public_https_address_is_taken(url: str) -> None:
    """On the usual port or a high one."""
    outgoing.check_address(url, production=True)


def test_on_a_developers_machine_loopback_is_taken_but_no_other_http() -> None:
    """So that one can try it without a certificate."""
    outgoing.check_address("http://127.0.0.1:8000/", production=False)
    with pytest.raises(PayloadError):
        outgoing.check_address("http://example.com/", production=False)


# ---- what is told


@pytest.fixture
def told(road: Road) -> Road:
    """An installation whose every event an endpoint wants."""
    with road.store.write() as tx:
        endpoints.add(tx, road.station.keyring, url="https://example.com/hooks")
    return road


def events(road: Road) -> list[dict[str, Any]]:
    """Return the bodies that endpoints are owed."""
    with road.store.read() as tx:
        rows = tx.execute(select(table.c.body).where(table.c.endpoint_id.is_not(None)))
        return [json.loads(body) for body in rows.scalars()]


def test_a_video_that_is_ready_is_told_once(told: Road) -> None:
    """With its link and campaign, and without a name or an e-mail address."""
    told.contact("c1", first_name="Xanthippe")
    told.post()
    told.travel()
    [video] = told.videos()
    with told.store.write() as tx:
        owe_video(tx, told.station, video.id)

    [event] = events(told)
    assert event["type"] == "video.ready"
    assert event["data"]["video_id"] == video.id
    assert event["data"]["contact_id"] == "c1"
    assert "/v/" in event["data"]["url"]
    assert "Xanthippe" not in json.dumps(event)
    assert "example.com" not in json.dumps(event)


def test_a_video_that_failed_is_told(told: Road) -> None:
    """With the code of its reason, whose sentence may quote the record."""
    told.contact("c1")
    told.post()
    told.travel("triggers")
    [video] = told.videos()
    with told.store.write() as tx:
        videos.change(
            tx, video.id, status=VideoStatus.FAILED, reason="media", sentence="Ana's picture"
        )
        owe_video(tx, told.station, video.id)

    [event] = events(told)
    assert (event["type"], event["data"]["reason"]) == ("video.failed", "media")
    assert "picture" not in json.dumps(event)
    assert "url" not in event["data"]


def test_a_refusal_is_told(told: Road) -> None:
    """With campaign and code."""
    told.contact("c1", email_opt_out=True)
    told.post()
    told.travel()

    [event] = events(told)
    assert event["type"] == "video.skipped"
    assert event["data"]["status"] == "blocked_consent"
    assert event["data"]["campaign"]


def test_a_refusal_without_a_look_at_the_record_is_told_as_well(told: Road) -> None:
    """What no campaign answers, and what came again later, each once and only where there is a contact."""
    told.contact("c1")
    told.post("contact.birthday")
    told.post("company.birthday", Subject("company", "acme"))
    told.travel("triggers")
    at = datetime.now(UTC)
    told.post(occurred_at=at)
    told.post(occurred_at=at - timedelta(hours=1))
    told.travel("triggers")

    skipped = [one["data"] for one in events(told) if one["type"] == "video.skipped"]
    assert sorted(one["reason"] for one in skipped) == ["no_campaign", "superseded"]
    assert {one["contact_id"] for one in skipped} == {"c1"}
    assert len({one["decision_id"] for one in skipped}) == 2


def test_who_was_erased_is_not_told_of(told: Road) -> None:
    """An id in an event would bring back what was to be forgotten."""
    told.contact("c1")
    told.post("contact.deleted")
    told.travel("triggers")
    told.post("contact.birthday")
    told.travel("triggers")

    assert events(told) == []


def test_a_refusal_is_rung_for_at_once(told: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the sweep."""
    rung: dict[str, list[str]] = {}
    monkeypatch.setattr(Doorbell, "ring", lambda _, job, ids, *more: rung.update({job: list(ids)}))
    told.contact("c1", email_opt_out=True)
    told.post()
    told.travel("triggers")

    with told.store.read() as tx:
        owed = list(tx.execute(select(table.c.id).where(table.c.kind == "video.skipped")).scalars())
    assert rung["send_webhooks"] == owed
    assert len(owed) == 1


def test_a_holdout_stays_inside(told: Road) -> None:
    """Nobody outside may tell who is only being compared with."""
    with told.store.write() as tx:
        owe_decision(tx, "local", "c1", Decision(Outcome.HOLDOUT, "holdout", "Held out."))
    assert events(told) == []


def test_an_opt_out_is_told_once(told: Road) -> None:
    """Pressing the button twice is one opt-out."""
    told.contact("c1")
    told.post()
    told.travel()
    [video] = told.videos()
    token = told.station.keyring.decrypt(video.token_sealed)
    for _ in range(2):
        assert told.client.post(f"/v/{token}/opt-out").status_code == 303

    [event] = [one for one in events(told) if one["type"] == "contact.opted_out"]
    assert event["data"]["contact_id"] == "c1"
    assert event["data"]["source"] == "watch_page"


def _pour(listener: socket.socket, poured: list[int]) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
        while sum(poured) < HUGE:
            poured.append(connection.send(bytes(65_536)))


def _point(outside: Outside, url: str) -> None:
    with outside.station.store.write() as tx:
        endpoints.remove(tx, outside.endpoint)
        outside.endpoint = endpoints.add(tx, outside.station.keyring, url=url)


def _owed_in(station: Station) -> str:
    with station.store.write() as tx:
        endpoints.add(tx, station.keyring, url="https://hooks.example/in")
        [owed] = owe_event(
            tx, connection_id="local", kind="video.ready", key="v", contact_id=None, data={}
        )
    return owed


def _resolving(addresses: list[str]) -> Any:
    """Answer one address after the other, as a hostile name server does."""
    left = list(addresses)

    def resolve(_host: str, port: int, *_args: object, **_options: object) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    return resolve


def _nobody_connects(*_args: object, **_options: object) -> None:
    raise AssertionError("nothing may be connected to")
