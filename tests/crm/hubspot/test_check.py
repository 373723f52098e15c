"""What an admin reads about a portal: access, scopes, properties, mapped words, limits, hooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import responses

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.check import check
from connector.crm.hubspot.doors import OPTIONAL_SCOPES, REQUIRED_SCOPES
from connector.crm.hubspot.gateway import open_gateway
from connector.crm.hubspot.install import install
from connector.crm.hubspot.scopes import NEEDED, WANTED
from connector.limits import Limits
from connector.model import Finding
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections
from tests.crm.hubspot.reading import DICTIONARY
from tests.fakes.hubspot import FakeHubSpot, serving


@dataclass
class Checked:
    """A connected portal, to be looked at."""

    fake: FakeHubSpot
    connection: Connection
    surroundings: Surroundings

    def look(self, **changes: Any) -> list[Finding]:
        """Check the connection, with some of it changed."""
        connection = replace(self.connection, **changes)
        gateway = open_gateway(connection, self.surroundings, patience=0.2)
        try:
            return check(gateway, DICTIONARY, connection, self.surroundings)
        finally:
            gateway.close()

    def make_fields(self) -> None:
        """Make our properties, as an install does."""
        gateway = open_gateway(self.connection, self.surroundings)
        install(gateway, DICTIONARY)
        gateway.close()


@pytest.fixture
def portal(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Iterator[Checked]:
    """A portal that has let us in, without our properties, at an installation that it can reach."""
    with serving(FakeHubSpot()) as fake:
        here = settings.model_copy(
            update={
                "hubspot_api": fake.url,
                "hubspot_client_id": fake.client_id,
                "hubspot_client_secret": fake.client_secret,
                "public_base_url": "https://video.example.com",
            }
        )
        secrets, config = fake.secrets(), {"portal": fake.portal}
        connection = Connection(
            f"hubspot-{fake.portal}", "hubspot", "Casa Verde", secrets=secrets, config=config
        )
        with sqlite_store.write() as tx:
            connections.add(
                tx,
                keyring,
                connection_id=connection.id,
                crm="hubspot",
                title="Casa Verde",
                secrets=secrets,
                config=dict(config),
            )
        limits = Limits(None)
        yield Checked(
            fake, connection, Surroundings(here, sqlite_store, DICTIONARY, keyring, limits)
        )


def about(findings: list[Finding], subject: str, level: str | None = None) -> list[str]:
    return [f.sentence for f in findings if f.subject == subject and level in (None, f.level)]


def test_a_portal_with_everything_has_no_error(portal: Checked) -> None:
    """Only the words that HubSpot has no property for are warned of."""
    portal.make_fields()
    findings = portal.look()

    assert {f.subject for f in findings if f.level == "warning"} == {"mapping"}
    assert about(findings, "access") == [
        f"portal {portal.fake.portal} lets us in; it is a standard account"
    ]
    assert about(findings, "fields") == ["22 of 22 are there"]
    assert [f for f in findings if f.level == "error"] == []


def test_a_check_takes_a_handful_of_calls(portal: Checked) -> None:
    """One look at the account, the scopes, and each kind of record."""
    portal.make_fields()
    portal.fake.calls.clear()
    portal.look()

    assert len(portal.fake.calls) <= 9


def test_every_scope_that_we_ask_for_is_explained() -> None:
    """An admin who declines one reads what it costs."""
    assert {"oauth", *NEEDED} == set(REQUIRED_SCOPES)
    assert set(WANTED) == set(OPTIONAL_SCOPES)


def test_a_missing_scope_says_what_it_costs(portal: Checked) -> None:
    """A required one is an error, an optional one a warning."""
    portal.fake.scopes -= {"automation", "tickets"}
    findings = portal.look()

    assert about(findings, "scopes", "error") == [
        "automation is not granted: a waiting workflow is not told how it went, and waits a day; "
        "connect again"
    ]
    assert about(findings, "scopes", "warning") == [
        "tickets is not granted: tickets are not counted as outcomes"
    ]


def test_missing_properties_are_named_with_what_to_do(portal: Checked) -> None:
    """Before the install all are missing."""
    [sentence] = about(portal.look(), "fields", "error")

    assert sentence.startswith("22 are missing (cuereel_video_url, ")
    assert f"cuereel crm install {portal.connection.id}" in sentence


def test_a_property_that_had_no_room_is_only_warned_of(portal: Checked) -> None:
    """The admin was told at the install."""
    portal.make_fields()
    portal.fake.properties["contacts"]["cuereel_rewatches"]["archived"] = True
    config = {**portal.connection.config, "left_out": ["cuereel_rewatches"]}
    findings = portal.look(config=config)

    assert about(findings, "fields", "error") == []
    assert about(findings, "fields", "warning") == [
        "1 were left out by the install (cuereel_rewatches)"
    ]


def test_a_property_of_the_wrong_type_is_an_error(portal: Checked) -> None:
    """It cannot be written to."""
    portal.make_fields()
    portal.fake.properties["contacts"]["cuereel_views"]["type"] = "string"

    [sentence] = about(portal.look(), "fields", "error")
    assert sentence.startswith("cuereel_views has type string, should be number")


def test_a_mapped_word_without_its_property_is_warned_of(portal: Checked) -> None:
    """Each kind of record has a line; owners and line items are no properties and are not named."""
    sentences = about(portal.look(), "mapping", "warning")

    [companies, contacts] = sorted(sentences)
    assert contacts.startswith("contacts of this portal have no property plan (contact.plan)")
    assert "seats_used (account.seats_used)" in companies
    assert not any("owner" in s or "items" in s or "first_name" in s for s in sentences)


def test_a_word_that_the_portal_gets_later_is_warned_of_no_more(portal: Checked) -> None:
    """Making the property mends it."""
    portal.fake.define("contacts", "plan")

    assert not any("contact.plan" in s for s in about(portal.look(), "mapping"))


def test_kinds_that_a_missing_scope_hides_are_not_told_twice(portal: Checked) -> None:
    """Without the scope for carts only the scope is told."""
    portal.fake.scopes.discard("crm.objects.carts.read")
    findings = portal.look()

    assert not any("cart." in s for s in about(findings, "mapping"))
    assert any("carts.read" in s for s in about(findings, "scopes", "warning"))


def test_a_portal_that_removed_us_must_be_connected_again(portal: Checked) -> None:
    """Only that is told, for nothing else can be asked."""
    portal.fake.uninstall()
    findings = portal.look()

    [sentence] = about(findings, "access", "error")
    assert "cuereel crm connect hubspot" in sentence
    assert about(findings, "fields") == []


@pytest.mark.parametrize("state", ["needs_reauth", "disabled"])
def test_a_connection_that_waits_for_an_admin_is_not_asked(portal: Checked, state: str) -> None:
    """The portal gets no call that it would refuse."""
    findings = portal.look(state=state)

    assert "connect it again" in about(findings, "access", "error")[0]
    assert portal.fake.calls == []


def test_the_limit_is_told_as_the_portal_tells_it(portal: Checked) -> None:
    """An app has a number for ten seconds and none for the day."""
    assert about(portal.look(), "limits", "ok") == ["HubSpot allows 110 calls in 10 s"]


def test_a_portal_that_rests_is_told_with_the_time(portal: Checked) -> None:
    """A spent day is no error: it goes on by itself."""
    portal.surroundings.limits.rest(f"hubspot:{portal.fake.portal}", 3600)
    findings = portal.look()

    assert any(
        "HubSpot asked us to rest: no calls until 20" in s for s in about(findings, "limits")
    )
    assert about(findings, "access", "warning")[0].startswith("as many calls were made")
    assert portal.fake.calls == []


def test_a_portal_that_is_down_is_told(portal: Checked) -> None:
    """Whatever is found at home is told all the same."""
    portal.fake.fail(503, times=-1)
    findings = portal.look()

    assert "trying again is safe" in about(findings, "access", "error")[0]
    assert about(findings, "hooks", "ok") != []


def test_what_keeps_events_away_is_told(portal: Checked) -> None:
    """No https address, no client secret, no secret for the webhook action."""
    bare = portal.surroundings.settings.model_copy(
        update={"public_base_url": "", "hubspot_client_secret": ""}
    )
    portal.surroundings = replace(portal.surroundings, settings=bare)
    secrets = {k: v for k, v in portal.connection.secrets.items() if k != "hook_secret"}
    findings = portal.look(secrets=secrets)

    assert "PUBLIC_BASE_URL" in about(findings, "hooks", "warning")[0]
    assert "Send a webhook" in about(findings, "hooks", "warning")[1]
    assert "CUEREEL_HUBSPOT_CLIENT_SECRET" in about(findings, "hooks", "error")[0]


def test_no_finding_holds_a_secret(portal: Checked) -> None:
    """Findings are shown, stored and sent around."""
    told = repr(portal.look())

    for name in ("access", "refresh", "hook_secret"):
        assert str(portal.connection.secrets[name]) not in told


@responses.activate
def test_a_token_of_the_portals_own_tells_tier_and_calls_of_the_day(portal: Checked) -> None:
    """HubSpot says nothing of its scopes, but counts its calls."""
    api = "https://api.hubapi.com"
    here = portal.surroundings.settings.model_copy(update={"hubspot_api": api})
    portal.surroundings = replace(portal.surroundings, settings=here)
    counted = {
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Daily": "650000",
        "X-HubSpot-RateLimit-Daily-Remaining": "649000",
    }
    details = {"portalId": 4242001, "accountType": "STANDARD"}
    responses.get(f"{api}/account-info/2026-03/details", json=details, headers=counted)
    responses.post(f"{api}/oauth/2026-03/token/introspect", json={"status": "error"}, status=400)
    for kind in ("contacts", "companies", "deals", "carts", "orders", "line_items", "tickets"):
        responses.get(f"{api}/crm/properties/2026-03/{kind}", json={"results": []})
    findings = portal.look(secrets={"kind": "static", "access": "pat-1", "hook_secret": "h"})

    assert about(findings, "limits", "ok") == [
        "HubSpot allows 190 calls in 10 s, 650,000 a day of which 649,000 are left "
        "(as Professional accounts have)"
    ]
    assert "does not tell what this token may do" in about(findings, "scopes")[0]
