"""Webhooks in the console: what an admin sees of them, and what each button does."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from connector.jobs.send_webhooks import send_webhooks
from connector.jobs.station import close_station, open_station
from connector.settings import Settings
from connector.store import Store, audit, endpoints, leases, webhooks
from connector.store.outgoing import owe_event
from connector.store.tables import webhooks as table
from connector.store.users import Role
from connector.store.webhooks import Delivery
from tests.notify.receiver import receiving
from tests.web.colleagues import Office, Visitor, open_office

PAGE = "/console/webhooks"
URL = "https://hooks.example.com/in/very-secret-path"


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation that people work with."""
    return open_office(settings, sqlite_store)


@pytest.fixture
def admin(office: Office) -> Visitor:
    """Its admin at the browser."""
    return office.visitor(Role.ADMIN)


def add(visitor: Visitor, url: str = URL, *kinds: str) -> TestResponse:
    return visitor.post(PAGE, {"url": url, "kind": list(kinds)}, page=PAGE)


def press(visitor: Visitor, office: Office, action: str, **more: str) -> TestResponse:
    [one] = all_of(office)
    return visitor.post(f"{PAGE}/{one.id}", {"action": action, **more}, page=PAGE)


def all_of(office: Office) -> list[endpoints.EndpointRow]:
    with office.store.read() as tx:
        return endpoints.everyone(tx)


def log(office: Office) -> list[Delivery]:
    with office.store.read() as tx:
        return webhooks.deliveries(tx, 10)


def owe(office: Office, *keys: str) -> list[str]:
    with office.store.write() as tx:
        return [
            one
            for key in keys
            for one in owe_event(
                tx, connection_id="local", kind="cta.clicked", key=key, contact_id="c-001", data={}
            )
        ]


def give_up(office: Office, *ids: str) -> None:
    with office.store.write() as tx:
        for claim in leases.claim(tx, "webhooks", ids, 60):
            leases.bury(tx, claim, "status_500", "the webhook's address answered 500")


def secret_in(answer: TestResponse) -> str:
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    assert found
    return found[0]


def test_an_endpoint_is_added_and_its_secret_shown_once(office: Office, admin: Visitor) -> None:
    """The page that answers has the secret; the next one has not."""
    answer = add(admin, URL, "cta.clicked", "no.such.kind")

    [one] = all_of(office)
    assert (one.url, one.kinds, one.state) == (URL, ("cta.clicked",), "active")
    assert len(secret_in(answer)) > 40
    later = admin.get(PAGE).text
    assert "hooks.example.com" in later
    assert "whsec_" not in later


@pytest.mark.parametrize(
    "url", ["", "http://example.com/", "https://10.0.0.1/", "javascript:alert(1)", "/hooks/local"]
)
def test_an_address_that_cannot_be_used_is_not_added(
    office: Office, admin: Visitor, url: str
) -> None:
    """The page says why."""
    assert add(admin, url).status_code == 303
    assert "Not added" in admin.get(PAGE).text
    assert all_of(office) == []


def test_pausing_and_resuming(office: Office, admin: Visitor) -> None:
    """Paused it is owed nothing; what came due meanwhile goes out when it is resumed."""
    add(admin)
    [held] = owe(office, "before")
    press(admin, office, "pause")
    assert all_of(office)[0].state == "paused"
    assert owe(office, "during") == []

    with office.store.write() as tx:
        [claim] = leases.claim(tx, "webhooks", [held], 60)
        leases.bury(tx, claim, endpoints.HELD, "the endpoint is switched off")
    press(admin, office, "resume")
    assert all_of(office)[0].state == "active"
    assert [one.work for one in log(office)] == ["due"]


def test_rotating_shows_the_new_secret_once(office: Office, admin: Visitor) -> None:
    """It is another one than before."""
    first = secret_in(add(admin))
    second = secret_in(press(admin, office, "rotate"))

    assert first != second
    assert "whsec_" not in admin.get(PAGE).text


def test_a_test_event_arrives(office: Office, admin: Visitor) -> None:
    """Over real HTTP; the log shows what came back."""
    with receiving() as receiver:
        add(admin, f"{receiver.url}/in")
        press(admin, office, "test")
        close_station()
        open_station(Settings())
        send_webhooks([one.id for one in log(office)])
        close_station()

    assert [path for path, _, _ in receiver.arrived] == ["/in"]
    text = admin.get(PAGE).text
    assert "Taken" in text
    assert '<td class="number">202</td>' in text


def test_who_is_paused_gets_no_test(office: Office, admin: Visitor) -> None:
    """It would only be held back."""
    add(admin)
    press(admin, office, "pause")
    assert press(admin, office, "test").status_code == 400
    assert log(office) == []


def test_one_event_is_replayed(office: Office, admin: Visitor) -> None:
    """And only that one."""
    add(admin)
    first, second = owe(office, "a", "b")
    give_up(office, first, second)
    assert "answered 500" in admin.get(PAGE).text

    press(admin, office, "replay", webhook=first)
    assert {one.id: one.work for one in log(office)} == {first: "due", second: "dead"}


def test_all_that_was_given_up_is_replayed(office: Office, admin: Visitor) -> None:
    """What was taken or waits stays as it is."""
    add(admin)
    first, second, _ = owe(office, "a", "b", "c")
    give_up(office, first, second)
    press(admin, office, "replay")

    assert [one.work for one in log(office)] == ["due"] * 3
    assert "2 events are sent again" in admin.get(PAGE).text


def test_a_foreign_event_is_not_replayed(office: Office, admin: Visitor) -> None:
    """The button of one endpoint does not reach another's events."""
    add(admin)
    [first] = owe(office, "a")
    give_up(office, first)
    with office.store.write() as tx:
        tx.execute(table.update().values(endpoint_id="0" * 26))
    press(admin, office, "replay", webhook=first)

    assert log(office)[0].work == "dead"


def test_deleting_takes_the_log_along(office: Office, admin: Visitor) -> None:
    """Nothing of it is left, and pressing again finds nothing."""
    add(admin)
    owe(office, "a")
    [one] = all_of(office)
    press(admin, office, "delete")

    assert (all_of(office), log(office)) == ([], [])
    again = admin.post(f"{PAGE}/{one.id}", {"action": "delete"}, page=PAGE)
    assert again.status_code == 404


def test_the_log_is_narrowed_by_state_and_endpoint(office: Office, admin: Visitor) -> None:
    """Unknown words narrow nothing or find nothing; they break nothing."""
    add(admin)
    first, _ = owe(office, "a", "b")
    give_up(office, first)
    [one] = all_of(office)

    def rows(query: str) -> int:
        return admin.get(f"{PAGE}?{query}").text.count("<tr><td")

    assert rows("state=given_up") == 1
    assert rows("state=waiting") == 1
    assert rows("state=taken") == 0
    assert rows(f"at={one.id}") == 2
    assert rows("at=nobody") == 0
    assert rows("state=nonsense") == 2


def test_an_endpoint_that_was_switched_off_says_why(office: Office, admin: Visitor) -> None:
    """In words, with the way back."""
    add(admin)
    with office.store.write() as tx:
        endpoints.set_state(tx, endpoints.everyone(tx)[0].id, "off", "It answered 410.")
    text = admin.get(PAGE).text

    assert "Switched off" in text
    assert "It answered 410." in text
    assert "Resume" in text


def test_everything_is_in_the_history_but_no_address(office: Office, admin: Visitor) -> None:
    """Who did what to which endpoint; its path may be a secret of theirs."""
    add(admin)
    for action in ("pause", "resume", "rotate", "test", "replay", "delete"):
        press(admin, office, action)
    with office.store.read() as tx:
        entries = audit.entries(tx)

    names = ["add", "pause", "resume", "rotate", "test", "replay", "delete"]
    assert {entry.action for entry in entries} >= {f"endpoint_{name}" for name in names}
    assert "very-secret-path" not in repr(entries)
    assert "whsec_" not in repr(entries)


def test_an_unknown_button_does_nothing(office: Office, admin: Visitor) -> None:
    """The endpoint stays as it is."""
    add(admin)
    assert press(admin, office, "explode").status_code == 400
    assert all_of(office)[0].state == "active"


@pytest.mark.parametrize("role", [Role.REP, Role.VIEWER])
def test_only_admins_see_the_way_there(office: Office, role: Role) -> None:
    """Others have no link to it."""
    assert PAGE not in office.visitor(role).get("/console/contacts").text
    assert PAGE in office.visitor(Role.ADMIN).get("/console/contacts").text
