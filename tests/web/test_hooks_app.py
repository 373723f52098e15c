"""The address of an app that many accounts install: one delivery, each connection its part."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from connector.store.tables import deliveries, triggers
from connector.web import hooks
from connector.web.desk import NAME
from tests.crm.hubspot.posting import (
    BASE,
    PORTAL,
    SECRET,
    connect,
    payload,
    signature,
    surroundings_of,
    with_app,
)
from tests.fakes.hubspot import FakeHubSpot, Sender
from tests.web.viewing import Viewing, make_viewing

EVENTS, ACTION, OPTIONS = (f"/hooks/hubspot/app/{door}" for door in ("events", "action", "options"))
REFUSED = b'{"error":"not accepted"}'


@dataclass
class Portals:
    """Two connected portals, 62515 and 70001, behind one web application."""

    viewing: Viewing
    client: FlaskClient

    def post(
        self, path: str, body: bytes, version: str = "v3", *, secret: str = SECRET
    ) -> TestResponse:
        """Post as HubSpot does, signed now."""
        headers = signature(body, path, version, secret=secret, at=datetime.now(UTC))
        return self.client.post(path, data=body, headers=headers)

    def rows(self) -> dict[str, tuple[int, int]]:
        """Return deliveries and triggers by connection."""
        with self.viewing.store.read() as tx:
            taken = Counter(tx.execute(select(deliveries.c.connection_id)).scalars())
            made = Counter(tx.execute(select(triggers.c.connection_id)).scalars())
        return {one: (taken[one], made[one]) for one in taken | made}


@pytest.fixture
def portals(settings: Settings, store: Store, keyring: Keyring) -> Iterator[Portals]:
    surroundings_of(settings, store, keyring)
    viewing = make_viewing(with_app(settings), store, keyring)
    for portal in (PORTAL, "70001"):
        connect(store, keyring, portal)
    with viewing.client as client:
        yield Portals(viewing, client)


def creation(portal: int | str, contact: int, **more: Any) -> dict[str, Any]:
    [event] = json.loads(payload("contact.creation"))
    return {**event, "portalId": portal, "objectId": contact, **more}


def batch(*events: dict[str, Any]) -> bytes:
    return json.dumps(events).encode()


def test_one_delivery_reaches_every_portal_that_it_tells_of(portals: Portals) -> None:
    """Each connection gets its own part, all in one commit, and the bell is rung once."""
    answer = portals.post(EVENTS, payload("two_portals"))

    assert answer.status_code == 202
    assert portals.rows() == {f"hubspot-{PORTAL}": (1, 1), "hubspot-70001": (1, 1)}
    [(job, ids, _)] = portals.viewing.bells.rung
    assert (job, len(ids)) == ("plan_video", 2)


def test_portals_that_are_not_connected_are_accepted_and_ignored(
    portals: Portals, keyring: Keyring
) -> None:
    """HubSpot is not made to repeat what concerns nobody here; a disabled portal is nobody."""
    connect(portals.viewing.store, keyring, "80008", "disabled")
    body = batch(creation(90009, 1), creation(80008, 1))

    assert portals.post(EVENTS, body).status_code == 202
    assert portals.rows() == {}
    assert portals.post(EVENTS, batch(creation(PORTAL, 1), creation(90009, 2))).status_code == 202
    assert portals.rows() == {f"hubspot-{PORTAL}": (1, 1)}


def test_a_portal_that_must_be_connected_again_still_takes_in(
    portals: Portals, keyring: Keyring
) -> None:
    """What comes while its token is gone waits; nothing is lost."""
    connect(portals.viewing.store, keyring, "80008", "needs_reauth")

    assert portals.post(EVENTS, batch(creation(80008, 1))).status_code == 202
    assert portals.rows() == {"hubspot-80008": (1, 1)}


def test_repeats_and_shuffled_batches_are_one_trigger_each(portals: Portals) -> None:
    """HubSpot repeats with another attempt number and mixes its batches anew."""
    events = [creation(PORTAL, n) for n in range(1, 6)]
    tries = [
        batch(*events),
        batch(*events),
        batch(*[{**event, "attemptNumber": 1} for event in reversed(events)]),
        batch(events[2]),
    ]

    assert {portals.post(EVENTS, body).status_code for body in tries} == {202}
    assert portals.rows() == {f"hubspot-{PORTAL}": (3, 5)}
    assert [len(ids) for _, ids, _ in portals.viewing.bells.rung] == [5]


def test_many_parallel_deliveries_of_the_same_events_are_one_trigger_each(portals: Portals) -> None:
    """However fast repeats come, for two portals at once, each event is stored once."""
    events = [creation(portal, n) for portal in (PORTAL, "70001") for n in (1, 2)]
    bodies = [batch(*(events if turn % 2 else events[::-1])) for turn in range(12)]

    def post(body: bytes) -> int:
        headers = signature(body, EVENTS, "v3", secret=SECRET, at=datetime.now(UTC))
        client = portals.viewing.app.test_client()
        return client.post(EVENTS, data=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(post, bodies)) == {202}
    assert {triggers for _, triggers in portals.rows().values()} == {2}


def test_the_run_of_a_workflow_is_stored_before_hubspot_is_told_to_wait(portals: Portals) -> None:
    """The answer is the app's own; a repeat of the same callback is answered alike, stored once."""
    for _ in range(2):
        answer = portals.post(ACTION, payload("workflow_action"), "v2")
        assert answer.status_code == 200
        assert answer.get_json()["outputFields"]["hs_execution_state"] == "BLOCK"
    assert portals.rows() == {f"hubspot-{PORTAL}": (1, 1)}
    with portals.viewing.store.read() as tx:
        row = tx.execute(select(triggers)).one()
    assert (row.kind, row.campaign) == ("workflow_action", "abandoned_cart")
    assert row.facts["callback"] == "ap-62515-56776413549-7-0"


def test_a_workflow_without_a_video_goes_on_and_nothing_is_stored(portals: Portals) -> None:
    """A campaign that is gone does not hold up a contact."""
    gone = payload("workflow_action").replace(b"abandoned_cart", b"last_year")

    answer = portals.post(ACTION, gone, "v2")

    assert answer.status_code == 200
    assert answer.get_json()["outputFields"]["hs_execution_state"] == "FAIL_CONTINUE"
    assert portals.rows() == {}


def test_the_list_of_videos_is_asked_for_without_leaving_a_trace(portals: Portals) -> None:
    """Options are read only."""
    answer = portals.post(OPTIONS, payload("options"), "v2")

    assert [one["value"] for one in answer.get_json()["options"]] == ["abandoned_cart"]
    assert portals.rows() == {}
    assert portals.viewing.bells.rung == []


@pytest.mark.parametrize("path", [EVENTS, ACTION, OPTIONS])
def test_a_forger_learns_nothing(portals: Portals, path: str) -> None:
    """Another secret, another version or none: always the same words, and nothing is stored."""
    body = payload("workflow_action")
    answers = [
        portals.post(path, body, secret="stranger"),
        portals.post(path, body, "v2" if path == EVENTS else "v1"),
        portals.client.post(path, data=body),
    ]
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, REFUSED)}
    assert portals.rows() == {}


def test_a_signed_body_that_makes_no_sense_is_a_400(portals: Portals) -> None:
    """A list that is too long, no JSON, or no list at all is refused plainly."""
    for body in (b"{", b"{}", b"[1]", batch(*[creation(PORTAL, n) for n in range(101)])):
        answer = portals.post(EVENTS, body)
        assert (answer.status_code, answer.data) == (400, REFUSED)
    assert portals.rows() == {}


def test_unknown_doors_and_crms_are_a_404_that_says_nothing(portals: Portals) -> None:
    """Who guesses addresses learns nothing."""
    answers = [
        portals.post(path, b"[]")
        for path in ("/hooks/hubspot/app/card", "/hooks/local/app/events", "/hooks/x/app/events")
    ]
    assert {(answer.status_code, answer.data) for answer in answers} == {(404, REFUSED)}


def test_a_body_of_ten_megabytes_is_refused_unread(portals: Portals) -> None:
    """A body above the limit is 413."""
    assert portals.post(EVENTS, b"x" * 10_000_000).status_code == 413


def test_a_lying_host_header_changes_nothing(portals: Portals) -> None:
    """What is signed is the address that we call our own."""
    body = batch(creation(PORTAL, 1))
    now = datetime.now(UTC)
    evil = "http://evil.example"
    for base, status in ((BASE, 202), (evil, 401)):
        headers = signature(body, EVENTS, "v3", secret=SECRET, at=now, base=base)
        answer = portals.client.post(EVENTS, data=body, headers=headers, base_url=evil)
        assert answer.status_code == status


def test_a_locked_database_is_a_503_and_no_portal_has_half_of_it(portals: Portals) -> None:
    """HubSpot is asked to try again, and finds everything as it was."""
    viewing = portals.viewing
    desk = viewing.app.extensions[NAME]
    slow = Store(viewing.store.url, busy_seconds=0.2)
    viewing.app.extensions[NAME] = replace(desk, store=slow)
    with viewing.store.write() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("LOCK TABLE deliveries IN EXCLUSIVE MODE"))
        answer = portals.post(EVENTS, payload("two_portals"))
    slow.close()
    viewing.app.extensions[NAME] = desk
    assert answer.status_code == 503
    assert portals.rows() == {}
    assert portals.post(EVENTS, payload("two_portals")).status_code == 202
    assert len(portals.rows()) == 2


def test_a_secret_that_is_replaced_counts_within_a_second(
    portals: Portals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a web process knows of the app is a second old at most."""
    assert hooks.KNOWN_SECONDS <= 1
    monkeypatch.setattr(hooks, "KNOWN_SECONDS", 0)
    desk = portals.viewing.app.extensions[NAME]
    newer = desk.settings.model_copy(update={"hubspot_client_secret": "brand-new"})
    assert portals.post(EVENTS, batch(creation(PORTAL, 1))).status_code == 202
    portals.viewing.app.extensions[NAME] = replace(desk, settings=newer)
    assert portals.post(EVENTS, batch(creation(PORTAL, 2))).status_code == 401
    assert portals.post(EVENTS, batch(creation(PORTAL, 2)), secret="brand-new").status_code == 202


@contextmanager
def reached(app: Flask) -> Iterator[str]:
    """Serve our web process on a free port; its own settings say that this is its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    here = app.extensions[NAME]
    known = {"public_base_url": base}
    app.extensions[NAME] = replace(here, settings=here.settings.model_copy(update=known))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("shape", ["generic", "legacy"])
def test_over_http_a_portal_that_repeats_and_shuffles_is_understood(
    settings: Settings, sqlite_store: Store, keyring: Keyring, shape: str
) -> None:
    """Contacts are made and changed in a portal; what reaches us by the network is each of it once."""
    fake = FakeHubSpot(portal=PORTAL)
    fake.subscribe(["contact.creation", "contact.lifecyclestage", "contact.cuereel_views"])
    surroundings_of(settings, sqlite_store, keyring)
    known = with_app(settings).model_copy(update={"hubspot_client_secret": fake.client_secret})
    viewing = make_viewing(known, sqlite_store, keyring)
    connect(sqlite_store, keyring)
    with reached(viewing.app) as base:
        sender = Sender(fake, base + EVENTS, shape=shape, repeat=2, shuffle=7)
        now = datetime.now(UTC)
        sender.send(
            [
                fake.event(name, str(contact), now, propertyValue=value)
                for contact in range(1, 71)
                for name, value in (
                    ("contact.creation", None),
                    ("contact.lifecyclestage", "customer"),
                    ("contact.cuereel_views", "3"),
                )
            ]
        )
        callback = sender.run_action("1", {"campaign": "onboarding"})
        offered = sender.options("cart")

    portals = Portals(viewing, viewing.client)
    assert {attempt.status for attempt in sender.attempts} == {202}
    assert portals.rows()[f"hubspot-{PORTAL}"][1] == 141
    assert sender.answers[callback][1]["outputFields"]["hs_execution_state"] == "BLOCK"
    assert [one["value"] for one in offered[1]["options"]] == ["abandoned_cart"]
