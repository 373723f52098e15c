"""Our app as HubSpot knows it: its doors, and how a portal lets us in."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connector.crm import App, Surroundings
from connector.crm.hubspot.doors import OPTIONAL_SCOPES, REQUIRED_SCOPES, open_app
from connector.errors import (
    CredentialError,
    NotFoundError,
    PayloadError,
    SettingError,
    SignatureError,
)
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.posting import PORTAL, connect, payload, plain, signed, surroundings_of
from tests.fakes.hubspot import FakeHubSpot, serving

BODIES = {
    "events": payload("contact.creation"),
    "action": payload("workflow_action"),
    "options": payload("options"),
}
OLDER = {"events": "v1", "action": "v2", "options": "v2"}


@pytest.fixture
def around(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Surroundings:
    made = surroundings_of(settings, sqlite_store, keyring)
    connect(sqlite_store, keyring)
    return made


@pytest.fixture
def app(around: Surroundings) -> App:
    return open_app(around)


def path(door: str) -> str:
    return f"/hooks/hubspot/app/{door}"


@pytest.mark.parametrize("door", sorted(BODIES))
def test_each_door_takes_v3_and_the_older_signature_that_hubspot_sends_there(
    door: str, app: App
) -> None:
    """Webhooks are signed with v1 or v3, workflows with v2 or v3; nothing else is accepted."""
    for version in ("v3", OLDER[door]):
        assert (
            200 <= app.receive(door, signed(BODIES[door], path(door), version)).answer.status < 300
        )
    other = {"v1": "v2", "v2": "v1"}[OLDER[door]]
    for delivery in (
        signed(BODIES[door], path(door), other),
        signed(BODIES[door], path(door), secret="stranger"),
        plain(BODIES[door], path(door), {}),
        plain(BODIES[door], path(door), {"x-cuereel-secret": "a-long-random-text-of-ours"}),
    ):
        with pytest.raises(SignatureError):
            app.receive(door, delivery)


def test_what_is_signed_for_one_door_opens_no_other(app: App) -> None:
    """A list of videos is asked for at its own address only."""
    for version in ("v2", "v3"):
        elsewhere = signed(BODIES["action"], path("options"), version)
        here = signed(BODIES["action"], path("action"), version)
        assert app.receive("action", here).intakes
        with pytest.raises(SignatureError):
            app.receive("action", replace(here, headers=elsewhere.headers))


def test_there_are_no_other_doors(app: App) -> None:
    """An unknown door is not found, however it is signed."""
    with pytest.raises(NotFoundError):
        app.receive("card", signed(b"[]", path("card")))


def test_events_are_handed_to_the_connection_of_their_portal(app: App) -> None:
    """One delivery may concern several portals; those without a trigger have no part in it."""
    taken = app.receive("events", signed(payload("two_portals"), path("events")))

    assert sorted(taken.intakes) == [f"hubspot-{PORTAL}", "hubspot-70001"]
    assert {len(intake.triggers) for intake in taken.intakes.values()} == {1}
    assert taken.answer.status == 202


def test_nothing_is_stored_of_what_means_nothing_to_us(app: App) -> None:
    """Unknown events and our own writes are accepted and cost no row."""
    for name in ("unknown_types", "object.propertyChange__own_fields"):
        taken = app.receive("events", signed(payload(name), path("events")))
        assert (dict(taken.intakes), taken.answer.status) == ({}, 202)


@pytest.mark.parametrize("door", sorted(BODIES))
def test_a_signed_body_that_makes_no_sense_is_a_payload_error(door: str, app: App) -> None:
    """What is signed but not understood is refused as such."""
    for body in (b"", b"[", b"[]", b"7", b"\xff\xfe", b"[" * 50_000):
        with pytest.raises(PayloadError):
            app.receive(door, signed(body, path(door)))


def test_a_body_that_was_lengthened_is_no_json(app: App) -> None:
    """What the older signatures let a stranger append begins with a byte that is no text."""
    with pytest.raises(PayloadError):
        app.receive("events", signed(BODIES["events"] + b"\x80\0\0[]", path("events"), "v1"))


def test_without_a_client_secret_every_door_is_shut(around: Surroundings) -> None:
    """Whoever runs an installation without a HubSpot app is told which setting is missing."""
    bare = around.settings.model_copy(update={"hubspot_client_secret": ""})
    app = open_app(
        Surroundings(bare, around.store, around.dictionary, around.keyring, around.limits)
    )
    for door, body in BODIES.items():
        with pytest.raises(SignatureError, match="CUEREEL_HUBSPOT_CLIENT_SECRET"):
            app.receive(door, signed(body, path(door), secret=""))


def test_an_admin_is_sent_to_hubspots_page(app: App) -> None:
    """The page is asked for just the scopes that we use, and told where to send the admin back."""
    back = "https://video.example.com/oauth/hubspot/callback"
    url = app.authorize(state="s t&a=te", challenge="chal-lenge", back=back)

    assert url.startswith("https://app.hubspot.com/oauth/authorize?")
    assert {name: value for name, [value] in parse_qs(urlsplit(url).query).items()} == {
        "client_id": "client-1",
        "redirect_uri": back,
        "scope": " ".join(REQUIRED_SCOPES),
        "optional_scope": " ".join(OPTIONAL_SCOPES),
        "state": "s t&a=te",
        "code_challenge": "chal-lenge",
        "code_challenge_method": "S256",
    }


def test_no_scope_is_asked_for_twice() -> None:
    """What is required is not optional as well."""
    assert len({*REQUIRED_SCOPES, *OPTIONAL_SCOPES}) == len(REQUIRED_SCOPES) + len(OPTIONAL_SCOPES)


def test_without_a_client_id_nobody_can_be_sent_there(around: Surroundings) -> None:
    """The missing setting is named before an admin meets HubSpot's own error page."""
    bare = around.settings.model_copy(update={"hubspot_client_id": ""})
    app = open_app(
        Surroundings(bare, around.store, around.dictionary, around.keyring, around.limits)
    )
    with pytest.raises(SettingError, match="CUEREEL_HUBSPOT_CLIENT_ID"):
        app.authorize(state="s", challenge="c", back="https://video.example.com/back")


def test_a_portal_that_lets_us_in_becomes_an_account(around: Surroundings) -> None:
    """HubSpot's page leads back with a code, which is good for that portal's tokens once."""
    back = "https://video.example.com/oauth/hubspot/callback"
    verifier = "a-verifier-of-at-least-forty-three-characters-xyz"
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    with serving(FakeHubSpot()) as fake:
        known = {
            "hubspot_api": fake.url,
            "hubspot_site": fake.url,
            "hubspot_client_id": fake.client_id,
            "hubspot_client_secret": fake.client_secret,
        }
        app = open_app(replace(around, settings=around.settings.model_copy(update=known)))
        page = app.authorize(state="st", challenge=challenge, back=back)
        answer = requests.get(page, allow_redirects=False, timeout=10)
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        with pytest.raises(CredentialError):
            app.connect(code="another", verifier=verifier, back=back)
        account = app.connect(code=query["code"][0], verifier=verifier, back=back)

    assert query["state"] == ["st"]
    assert account.id == f"hubspot-{fake.portal}"
    assert account.secrets["kind"] == "oauth"
    assert set(REQUIRED_SCOPES) <= set(account.config["scopes"])
