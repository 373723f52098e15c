"""How a portal is called: paths, limits, tokens, faults. The far side is played by `responses`."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
import time_machine

from connector.crm import Connection, Surroundings
from connector.crm.hubspot import transport
from connector.crm.hubspot.gateway import CALLS, Gateway, open_gateway
from connector.crm.hubspot.refusals import RefusedError
from connector.decide.dictionary import load_dictionary
from connector.errors import CredentialError, CRMBusyError, CRMDownError, NotFoundError
from connector.limits import Limits, Rate
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections

API = "https://api.hubapi.com"
CONTACTS = f"{API}/crm/objects/2026-03/contacts"
UPDATE = f"{CONTACTS}/batch/update"
TOKEN = f"{API}/oauth/2026-03/token"
ACCESS, REFRESH = "CKz-access-of-ana", "na1-refresh-of-ana"
NEW = {"access_token": "CKz-new", "refresh_token": REFRESH, "expires_in": 1800}
INPUTS = {"inputs": [{"id": "101", "properties": {"cuereel_status": "ready"}}]}


class CountedLimits(Limits):
    """Limits that remember what they were asked and told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.waits: list[tuple[str, Rate, float]] = []
        self.learnt: list[tuple[str, Rate]] = []

    def wait(self, key: str, rate: Rate, patience: float) -> None:
        self.waits.append((key, rate, patience))
        super().wait(key, rate, patience)

    def learn(self, key: str, rate: Rate) -> None:
        self.learnt.append((key, rate))
        super().learn(key, rate)


@pytest.fixture
def limits() -> CountedLimits:
    """The limits of one process."""
    return CountedLimits()


@pytest.fixture
def connection() -> Connection:
    """A portal that lets us in by OAuth."""
    secrets = {
        "kind": "oauth",
        "access": ACCESS,
        "refresh": REFRESH,
        "expires_at": int(time.time()) + 1800,
        "hook_secret": "hook",
    }
    config = {"portal": "123", "time_zone": "America/New_York"}
    return Connection("hubspot-123", "hubspot", "Acme", secrets=secrets, config=config)


@pytest.fixture
def surroundings(
    sqlite_store: Store, settings: Settings, keyring: Keyring, limits: Limits
) -> Surroundings:
    """An installation with an app of its own."""
    ours = settings.model_copy(
        update={"hubspot_client_id": "client-1", "hubspot_client_secret": "newest,older"}
    )
    return Surroundings(ours, sqlite_store, load_dictionary("local", ()), keyring, limits)


@pytest.fixture
def gateway(connection: Connection, surroundings: Surroundings) -> Iterator[Gateway]:
    """The way to that portal, which is stored."""
    stored(connection, surroundings)
    made = open_gateway(connection, surroundings)
    yield made
    made.close()


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    """HubSpot."""
    with responses.RequestsMock() as mock:
        yield mock


def stored(connection: Connection, surroundings: Surroundings) -> None:
    with surroundings.store.write() as tx:
        connections.add(
            tx,
            surroundings.keyring,
            connection_id=connection.id,
            crm="hubspot",
            title=connection.title,
            secrets=dict(connection.secrets),
            config=dict(connection.config),
        )


def update(gateway: Gateway) -> Any:
    return gateway.ask(gateway.client.crm.contacts.batch_api.update, INPUTS)


def token_of(call: Any) -> str:
    return str(call.request.headers["Authorization"])


def test_a_generated_method_goes_to_the_dated_address(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """A plain dict serves as the model; the answer is plain JSON."""
    answer = {"status": "COMPLETE", "results": [{"id": "101"}]}
    far.post(UPDATE, json=answer)

    assert update(gateway) == answer
    sent = far.calls[0].request
    assert json.loads(sent.body) == INPUTS
    assert sent.headers["Authorization"] == f"Bearer {ACCESS}"
    assert sent.headers["User-Agent"] == "Cuereel"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.req_kwargs["timeout"] == (3.05, 27.0)


def test_every_part_of_the_client_that_we_use_is_dated(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """Whatever package a class was generated into."""
    far.get(f"{API}/crm/owners/2026-03", json={"results": []})
    far.get(f"{API}/crm/properties/2026-03/contacts", json={"results": []})
    far.post(f"{API}/crm/associations/2026-03/0-1/0-2/batch/read", json={"results": []})
    far.put(f"{API}/crm/lists/2026-03/7/memberships/add", json={})
    crm = gateway.client.crm

    gateway.ask(crm.owners.owners_api.get_page)
    gateway.ask(crm.properties.core_api.get_all, "contacts")
    gateway.ask(crm.associations.v4.batch_api.get_page, "0-1", "0-2", {"inputs": [{"id": "1"}]})
    gateway.ask(crm.lists.memberships_api.add, "7", ["101"])
    assert len(far.calls) == 4


def test_the_version_is_a_setting(
    connection: Connection, surroundings: Surroundings, far: responses.RequestsMock
) -> None:
    """The same call, at the newer address."""
    newer = surroundings.settings.model_copy(update={"hubspot_version": "2026-09"})
    gateway = open_gateway(connection, replace(surroundings, settings=newer))
    far.post(f"{API}/crm/objects/2026-09/contacts/batch/update", json={"results": []})
    far.get(f"{API}/media-bridge/2026-09/31/settings", json={"on": True})

    assert update(gateway) == {"results": []}
    assert gateway.call("GET", "/media-bridge/{V}/31/settings") == {"on": True}


def test_partial_success_is_an_answer(gateway: Gateway, far: responses.RequestsMock) -> None:
    """207 is for the caller to read, record by record."""
    answer = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"status": "error"}]}
    far.post(UPDATE, status=207, json=answer)

    assert update(gateway) == answer


def test_an_answer_without_a_body_is_none(gateway: Gateway, far: responses.RequestsMock) -> None:
    """204, and other successes that say nothing."""
    far.delete(f"{CONTACTS}/101", status=204)
    far.post(UPDATE, status=201, body="")

    assert gateway.ask(gateway.client.crm.contacts.basic_api.archive, "101") is None
    assert update(gateway) is None


def test_what_the_client_lacks_is_called_by_its_path(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """Lists in a query are repeated, None is left out, truth is spelt as JSON does."""
    query = {"id": [1, 2], "archived": False, "after": None}
    wanted = responses.matchers.query_string_matcher("id=1&id=2&archived=false")
    far.get(f"{API}/x/2026-03/y", json={"ok": 1}, match=[wanted])

    assert gateway.call("GET", "/x/{V}/y", query=query) == {"ok": 1}


def test_api_classes_are_made_once(gateway: Gateway) -> None:
    """The published client makes a new one, with new sockets, at each access."""
    crm = gateway.client.crm

    assert crm.contacts.batch_api is gateway.client.crm.contacts.batch_api
    assert crm.contacts.batch_api is not crm.companies.batch_api


def test_calls_and_searches_wait_in_different_rows(
    connection: Connection, surroundings: Surroundings, limits: CountedLimits, far: Any
) -> None:
    """HubSpot counts searches apart; patience is the caller's."""
    gateway = open_gateway(connection, surroundings, patience=5.0)
    far.post(UPDATE, json={})
    far.post(f"{CONTACTS}/search", json={})
    far.post(f"{API}/crm/lists/2026-03/search", json={})

    update(gateway)
    gateway.call("POST", "/crm/v3/objects/contacts/search", {})
    gateway.call("POST", "/crm/v3/lists/search", {})
    assert limits.waits == [
        ("hubspot:123", Rate(104, 10.0), 5.0),
        ("hubspot-search:123", Rate(4, 1.0), 5.0),
        ("hubspot:123", Rate(104, 10.0), 5.0),
    ]


@pytest.mark.parametrize(
    ("most", "window", "rate"),
    [
        ("110", "10000", Rate(104, 10.0)),
        ("190", "10000", Rate(180, 10.0)),
        ("10", "1000", Rate(9, 1.0)),
        ("1", "1000", Rate(1, 1.0)),
    ],
)
def test_the_rate_is_learnt_from_the_headers(
    gateway: Gateway, limits: CountedLimits, far: Any, most: str, window: str, rate: Rate
) -> None:
    """A little below what is allowed; refusals teach as well (hubspot.md §7.1)."""
    headers = {
        "X-HubSpot-RateLimit-Max": most,
        "X-HubSpot-RateLimit-Interval-Milliseconds": window,
        "X-HubSpot-RateLimit-Remaining": "5",
    }
    far.post(UPDATE, status=404, json={}, headers=headers)

    with pytest.raises(NotFoundError):
        update(gateway)
    assert limits.learnt == [("hubspot:123", rate)]


@pytest.mark.parametrize(
    ("most", "window"), [("", ""), ("many", "10000"), ("0", "10000"), ("100", "0"), ("-5", "1")]
)
def test_nonsense_in_the_headers_teaches_nothing(
    gateway: Gateway, limits: CountedLimits, far: Any, most: str, window: str
) -> None:
    """Nor do headers that are missing, as OAuth apps have no daily ones."""
    names = ("X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Interval-Milliseconds")
    far.post(UPDATE, json={}, headers=dict(zip(names, (most, window), strict=True)))
    update(gateway)

    assert limits.learnt == []


def test_a_search_does_not_teach_the_rate_of_calls(
    gateway: Gateway, limits: CountedLimits, far: Any
) -> None:
    """Its rate is another."""
    headers = {
        "X-HubSpot-RateLimit-Max": "5",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "1000",
    }
    far.post(f"{CONTACTS}/search", json={}, headers=headers)
    gateway.call("POST", "/crm/v3/objects/contacts/search", {})

    assert limits.learnt == []


def test_after_a_429_nobody_calls_until_it_is_over(
    gateway: Gateway, limits: CountedLimits, far: responses.RequestsMock
) -> None:
    """The portal rests; searches go on."""
    far.post(
        UPDATE,
        status=429,
        headers={"Retry-After": "40"},
        json={"policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT"},
    )
    for _ in range(2):
        with pytest.raises(CRMBusyError) as busy:
            update(gateway)
        assert 39 < (busy.value.after or 0) <= 40

    assert len(far.calls) == 1
    assert limits.resting("hubspot-search:123") == 0


def test_a_short_429_is_waited_for(gateway: Gateway, far: responses.RequestsMock) -> None:
    """The next call sleeps through the second that HubSpot wants."""
    far.post(UPDATE, status=429, json={"policyName": "SECONDLY"})
    far.post(UPDATE, json={"ok": 1})
    with pytest.raises(CRMBusyError):
        update(gateway)
    began = time.monotonic()

    assert update(gateway) == {"ok": 1}
    assert time.monotonic() - began > 0.8


@time_machine.travel(datetime(2026, 11, 22, 22, 0, tzinfo=UTC), tick=False)
def test_the_daily_limit_stops_everything_until_the_portals_midnight(
    connection: Connection, surroundings: Surroundings, limits: CountedLimits, far: Any
) -> None:
    """New York's midnight is seven hours away; searches rest as well."""
    valid = {**connection.secrets, "expires_at": int(time.time()) + 1800}
    gateway = open_gateway(replace(connection, secrets=valid), surroundings)
    far.post(UPDATE, status=429, json={"policyName": "DAILY", "errorType": "RATE_LIMIT"})
    with pytest.raises(CRMBusyError, match="2026-11-23 00:00") as busy:
        update(gateway)

    assert busy.value.after == 7 * 3600
    for path in ("/crm/v3/objects/contacts/search", "/crm/v3/objects/contacts/batch/read"):
        with pytest.raises(CRMBusyError):
            gateway.call("POST", path, {})
    assert len(far.calls) == 1
    assert limits.resting("hubspot:456") == 0


def test_a_portal_that_moves_rests_as_a_whole(
    gateway: Gateway, limits: CountedLimits, far: Any
) -> None:
    """477, for as long as HubSpot says."""
    far.post(UPDATE, status=477, headers={"Retry-After": "7200"}, body="")
    with pytest.raises(CRMBusyError):
        update(gateway)

    assert limits.resting("hubspot:123") > 7000
    assert limits.resting("hubspot-search:123") > 7000


def test_a_locked_record_does_not_stop_the_others(
    gateway: Gateway, limits: CountedLimits, far: Any
) -> None:
    """423 is about one record."""
    far.post(UPDATE, status=423, json={"status": "error"})
    with pytest.raises(CRMBusyError) as busy:
        update(gateway)

    assert (busy.value.after or 0) >= 2
    assert limits.resting("hubspot:123") == 0


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 521, 523, 524])
def test_a_hubspot_that_is_not_well_is_called_once(
    gateway: Gateway, far: responses.RequestsMock, status: int
) -> None:
    """Trying again is the job's matter, which waits longer each time."""
    far.post(UPDATE, status=status, body="<html>gateway</html>")
    with pytest.raises(CRMDownError):
        update(gateway)

    assert len(far.calls) == 1


@pytest.mark.parametrize(
    "fault", [requests.ConnectTimeout, requests.ReadTimeout, requests.ConnectionError]
)
def test_a_network_that_fails_says_so_without_the_address(
    gateway: Gateway, far: responses.RequestsMock, fault: type[Exception]
) -> None:
    """The library's own words hold the address, and that may hold somebody's e-mail."""
    far.post(UPDATE, body=fault(f"{UPDATE}?email=ana@example.com"))
    with pytest.raises(CRMDownError, match=fault.__name__) as down:
        update(gateway)

    assert "ana@example.com" not in str(down.value)
    assert down.value.__cause__ is None
    assert down.value.__suppress_context__


@pytest.mark.parametrize(
    "body", [b"<html>Please log in</html>", b'{"results": [{"id": "1"', b"\xff\xfe", b'{"a": NaN}']
)
def test_an_answer_that_is_no_json_is_no_answer(
    gateway: Gateway, far: responses.RequestsMock, body: bytes
) -> None:
    """A page with status 200, or JSON that was cut off."""
    far.post(UPDATE, body=body)

    with pytest.raises(CRMDownError, match="other than JSON"):
        update(gateway)


def test_ten_megabytes_are_read_and_no_more_than_the_bound(
    gateway: Gateway, far: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A far side that never ends must not fill our memory."""
    far.post(UPDATE, json={"big": "x" * 10_000_000})
    assert len(update(gateway)["big"]) == 10_000_000

    monkeypatch.setattr(transport, "LARGEST", 1_000_000)
    with pytest.raises(CRMDownError, match="more than 1 MB"):
        update(gateway)


def test_a_redirect_is_not_followed(gateway: Gateway, far: responses.RequestsMock) -> None:
    """Our token would go along."""
    far.post(UPDATE, status=307, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(CRMDownError):
        update(gateway)
    assert len(far.calls) == 1


def answering(body: bytes) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        client.recv(65_536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + body)

    return serve


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A far side that answers one call with just these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            client, _ = server.accept()
            with client:
                serve(client)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 50\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
    ],
)
def test_an_answer_that_breaks_off_is_no_answer(
    connection: Connection, surroundings: Surroundings, body: bytes
) -> None:
    """Even where the part that came would be good JSON."""
    with raw_server(answering(body)) as url:
        here = surroundings.settings.model_copy(update={"hubspot_api": url})
        gateway = open_gateway(connection, replace(surroundings, settings=here))
        with pytest.raises(CRMDownError):
            update(gateway)
        gateway.close()


def test_an_answer_that_drips_ends_at_the_deadline(
    connection: Connection, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte in time does not make the whole in time."""
    monkeypatch.setattr(transport, "WHOLE_SECONDS", 0.3)

    def drip(client: socket.socket) -> None:
        answering(b"Content-Length: 100\r\n\r\n")(client)
        try:
            for _ in range(100):
                client.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            return

    with raw_server(drip) as url:
        here = surroundings.settings.model_copy(update={"hubspot_api": url})
        gateway = open_gateway(connection, replace(surroundings, settings=here))
        began = time.monotonic()
        with pytest.raises(CRMDownError, match="did not end"):
            update(gateway)
        gateway.close()
        assert time.monotonic() - began < 3


def test_a_refusal_carries_what_callers_look_at(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """400 with the name of the property; see test_refusals for every row."""
    errors = [{"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["cuereel_status"]}}]
    far.post(UPDATE, status=400, json={"category": "VALIDATION_ERROR", "errors": errors})

    with pytest.raises(RefusedError, match="cuereel_status") as refused:
        update(gateway)
    assert refused.value.errors == tuple(errors)


def test_a_refused_token_is_renewed_once_and_the_call_repeated(
    gateway: Gateway, surroundings: Surroundings, far: responses.RequestsMock
) -> None:
    """The same request again, with the new token, which is stored."""
    far.post(UPDATE, status=401, json={"category": "EXPIRED_AUTHENTICATION"})
    far.post(TOKEN, json=NEW)
    far.post(UPDATE, json={"ok": 1})

    assert update(gateway) == {"ok": 1}
    refused, _, accepted = far.calls
    assert (token_of(refused), token_of(accepted)) == (f"Bearer {ACCESS}", "Bearer CKz-new")
    assert refused.request.body == accepted.request.body
    with surroundings.store.read() as tx:
        row = connections.get(tx, surroundings.keyring, "hubspot-123")
    assert row is not None
    assert row.secrets["access"] == "CKz-new"
    assert row.secrets["hook_secret"] == "hook"


def test_a_token_that_was_refused_is_not_tried_again(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """Calls that follow begin with the new one."""
    far.post(UPDATE, status=401, json={})
    far.post(TOKEN, json=NEW)
    far.post(UPDATE, json={})
    for _ in range(3):
        update(gateway)

    assert len(far.calls) == 5
    assert {token_of(call) for call in far.calls[2:]} == {"Bearer CKz-new"}


def test_a_token_that_is_refused_though_it_is_new_asks_for_an_admin(
    gateway: Gateway, far: responses.RequestsMock
) -> None:
    """Twice and no more."""
    far.post(UPDATE, status=401, json={})
    far.post(TOKEN, json=NEW)

    with pytest.raises(CredentialError, match="connect it again"):
        update(gateway)
    assert len(far.calls) == 3


def test_a_static_token_that_is_refused_asks_for_an_admin_at_once(
    connection: Connection, surroundings: Surroundings, far: responses.RequestsMock
) -> None:
    """There is nothing to renew it with."""
    static = replace(connection, secrets={"kind": "static", "access": ACCESS})
    stored(static, surroundings)
    far.post(UPDATE, status=401, json={})

    with pytest.raises(CredentialError, match="make a new one"):
        update(open_gateway(static, surroundings))
    assert len(far.calls) == 1


def test_tokens_are_shown_nowhere(
    gateway: Gateway,
    connection: Connection,
    far: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not in a log of any level, an error or a repr."""
    caplog.set_level(logging.DEBUG)
    told = {"message": ACCESS, "category": ACCESS, "errors": [{"message": REFRESH}]}
    far.post(UPDATE, status=400, json=told)
    far.post(UPDATE, status=401, json=told)
    far.post(TOKEN, status=400, json={"status": "BAD_REFRESH_TOKEN", "message": REFRESH})
    held = transport.Request("POST", "/x", body=ACCESS, form={"token": REFRESH})
    shown = [repr(gateway), repr(gateway.client), repr(connection), repr(held)]
    shown.append(repr(transport.Reply(200, "OK", ACCESS.encode(), {"x": REFRESH})))
    with pytest.raises(RefusedError) as refused:
        update(gateway)
    with pytest.raises(CredentialError) as removed:
        update(gateway)
    shown += [f"{error.value} {error.value!r}" for error in (removed, refused)]

    whole = " ".join([*shown, caplog.text, *capsys.readouterr()])
    for secret in (ACCESS, REFRESH, "newest"):
        assert secret not in whole


def test_a_gateway_knows_its_portal(connection: Connection, surroundings: Surroundings) -> None:
    """From its config, else from its id; a time zone that is none is UTC."""
    bare = replace(connection, config={"time_zone": "Mars/Olympus"})

    assert open_gateway(connection, surroundings).portal == "123"
    assert open_gateway(bare, surroundings).portal == "123"
    assert CALLS.most < 110
