"""Intake: what is signed and new is committed and answered; everything else changes nothing."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from connector.app import create_app
from connector.cli.prepare import LOCAL
from connector.crm.local.gateway import Announcement, event_body
from connector.model import Subject
from connector.signing import new_secret, signed_headers
from connector.store import Store, connections, leases
from connector.store.tables import audit, deliveries, triggers
from connector.web import hooks
from tests.road.conftest import Road

HOOK = f"/hooks/local/{LOCAL}"


def rows(road: Road) -> tuple[int, int]:
    with road.store.read() as tx:
        return tuple(
            int(tx.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (deliveries, triggers)
        )


def signed(road: Road, body: bytes, identity: str = "msg_x", **options: object) -> dict[str, str]:
    return signed_headers(road.secret, identity, body, options.get("at") or datetime.now(UTC))


def test_fifty_parallel_posts_of_one_event_are_one_trigger(any_road: Road) -> None:
    """W1: however often and however fast a delivery comes, it is stored once and answered each time."""
    body = event_body(
        Announcement("contact.onboarding", Subject("contact", "c1")), datetime.now(UTC)
    ).encode()
    headers = signed(any_road, body)
    app = create_app(any_road.settings)

    def post(_: int) -> int:
        return app.test_client().post(HOOK, data=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(50)))
    app.extensions["cuereel"].store.close()
    assert set(answers) == {202}
    assert rows(any_road) == (1, 1)


def test_the_same_id_with_another_body_keeps_the_first_and_is_noted(any_road: Road) -> None:
    """W2: a reused id is answered, counted and put into the audit log; the first body stands."""
    now = datetime.now(UTC)
    any_road.post(identity="msg_1", occurred_at=now)
    answer = any_road.post(identity="msg_1", subject=Subject("contact", "other"), occurred_at=now)
    assert answer.status_code == 202
    assert rows(any_road) == (1, 1)
    with any_road.store.read() as tx:
        assert tx.execute(select(deliveries.c.conflicts)).scalar_one() == 1
        assert "delivery_conflict" in list(tx.execute(select(audit.c.action)).scalars())


@pytest.mark.parametrize("age", [-302, 303])
def test_what_is_signed_too_early_or_too_late_is_refused(road: Road, age: int) -> None:
    """W6: outside of five minutes a valid signature is a replay."""
    at = datetime.now(UTC) + timedelta(seconds=age)
    assert road.post(at=at).status_code == 401
    assert rows(road) == (0, 0)


@pytest.mark.parametrize("age", [-295, 295])
def test_what_is_signed_within_the_window_is_taken(road: Road, age: int) -> None:
    """W6: within five minutes either way it is taken."""
    assert road.post(at=datetime.now(UTC) + timedelta(seconds=age)).status_code == 202
    assert rows(road) == (1, 1)


def test_another_connections_secret_does_not_open_this_door(road: Road) -> None:
    """W5: who can sign for one connection can sign for that one only."""
    body = b'{"type":"contact.onboarding"}'
    headers = signed_headers(new_secret(), "msg_1", body, datetime.now(UTC))
    answer = road.client.post(HOOK, data=body, headers=headers)
    assert (answer.status_code, answer.data) == (401, b'{"error":"not accepted"}')
    assert rows(road) == (0, 0)


def test_both_secrets_work_while_one_is_replaced_and_the_old_one_not_after(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W8: a secret is rotated without a gap; within a second every web process knows."""
    assert hooks.KNOWN_SECONDS <= 1
    monkeypatch.setattr(hooks, "KNOWN_SECONDS", 0.05)
    old, new = road.secret, new_secret()
    body = event_body(
        Announcement("contact.onboarding", Subject("contact", "c1")), datetime.now(UTC)
    ).encode()

    def post(secret: str, identity: str) -> int:
        headers = signed_headers(secret, identity, body, datetime.now(UTC))
        return road.client.post(HOOK, data=body, headers=headers).status_code

    with road.store.write() as tx:
        connections.change_secrets(tx, road.station.keyring, LOCAL, {"signing": [new, old]})
    time.sleep(0.1)
    assert [post(old, "m1"), post(new, "m2")] == [202, 202]
    with road.store.write() as tx:
        connections.change_secrets(tx, road.station.keyring, LOCAL, {"signing": [new]})
    time.sleep(0.1)
    assert [post(old, "m3"), post(new, "m4")] == [401, 202]


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"]),
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=60),
    ),
)
def test_whatever_is_unsigned_is_refused_and_never_breaks_us(
    road: Road, body: bytes, headers: dict[str, str]
) -> None:
    """W5: any bytes with any headers are 401, never 500, and nothing is stored."""
    answer = road.client.post(HOOK, data=body, headers=headers)
    assert answer.status_code == 401
    assert rows(road) == (0, 0)


def test_each_flipped_byte_of_a_signed_body_is_noticed(road: Road) -> None:
    """W5: changing any one byte breaks the signature."""
    body = event_body(
        Announcement("contact.onboarding", Subject("contact", "c1")), datetime.now(UTC)
    ).encode()
    headers = signed(road, body)
    for place in range(0, len(body), 7):
        forged = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert road.client.post(HOOK, data=forged, headers=headers).status_code == 401
    assert rows(road) == (0, 0)


BAD_BODIES = {
    "deep": b"[" * 100_000,
    "long number": b'{"type":' + b"9" * 5000 + b"}",
    "NaN": b'{"type":NaN}',
    "infinite": b'{"type":1e999}',
    "lone surrogate": b'{"type":"\\ud83d"}',
    "duplicate keys": b'{"type":"a.b","type":"c.d"}',
    "not JSON": b"\xff\xfe{",
    "a list of numbers": b"[1,2,3]",
    "unknown shape": b'{"hello":"world"}',
    "empty": b"",
}


@pytest.mark.parametrize("name", sorted(BAD_BODIES))
def test_a_signed_body_that_makes_no_sense_is_a_400(road: Road, name: str) -> None:
    """W12: malformed JSON is refused plainly, whoever signed it."""
    body = BAD_BODIES[name]
    answer = road.client.post(HOOK, data=body, headers=signed(road, body))
    assert answer.status_code == 400
    assert rows(road) == (0, 0)


def test_a_body_of_ten_megabytes_is_refused_unread(road: Road) -> None:
    """W12: a body above the limit is 413."""
    body = b"x" * 10_000_000
    assert road.client.post(HOOK, data=body, headers=signed(road, body)).status_code == 413


def test_an_unknown_connection_or_crm_is_a_404_that_says_nothing(road: Road) -> None:
    """Who guesses addresses learns nothing."""
    answers = {
        road.client.post(path, data=b"{}").data
        for path in ("/hooks/local/other", "/hooks/hubspot/local", "/hooks/nosuch/local")
    }
    assert answers == {b'{"error":"not accepted"}'}


def test_without_redis_deliveries_are_taken_and_planned_later(road: Road) -> None:
    """W10: the bell is not needed for a delivery to be safe."""
    assert road.settings.redis_url == ""
    road.contact("c1")
    assert road.post().status_code == 202
    with road.store.read() as tx:
        assert len(leases.due(tx, "triggers", ring_again=0, limit=10)) == 1


def test_a_locked_database_is_a_503_and_nothing_is_half_written(any_road: Road) -> None:
    """W11: the sender is asked to try again, and what it then sends is new."""
    app = create_app(any_road.settings)
    desk = app.extensions["cuereel"]
    desk.store.close()
    app.extensions["cuereel"] = replace(desk, store=Store(any_road.store.url, busy_seconds=0.2))
    body = event_body(
        Announcement("contact.onboarding", Subject("contact", "c1")), datetime.now(UTC)
    ).encode()
    with app.test_client() as client, any_road.store.write() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("LOCK TABLE deliveries IN EXCLUSIVE MODE"))
        answer = client.post(HOOK, data=body, headers=signed(any_road, body))
    app.extensions["cuereel"].store.close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert rows(any_road) == (0, 0)
    again = any_road.client.post(HOOK, data=body, headers=signed(any_road, body))
    assert again.status_code == 202


def test_a_batch_is_taken_whole(any_road: Road) -> None:
    """Many events in one delivery become many triggers in one commit."""
    now = datetime.now(UTC).isoformat()
    events = [
        {
            "type": "contact.onboarding",
            "occurred_at": now,
            "object": {"kind": "contact", "id": f"c{n}"},
        }
        for n in range(200)
    ]
    body = json.dumps({"events": events}).encode()
    assert any_road.client.post(HOOK, data=body, headers=signed(any_road, body)).status_code == 202
    assert rows(any_road) == (1, 200)


def test_a_lying_host_header_changes_nothing(road: Road) -> None:
    """W7: what is signed is checked against our own settings, not against what the caller claims."""
    answer = road.post(base_url="http://evil.example/")
    assert answer.status_code == 202
