"""Who asks from HubSpot's screens: only what HubSpot signed, and only for the account that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.crm.hubspot.card import asker_of
from connector.errors import SignatureError
from connector.model import Delivery
from connector.settings import Settings
from tests.fakes.hubspot.signing import sign_v2, sign_v3

NEW, OLD = "secret-new", "secret-old"
ADDRESS = "https://video.example.com/crm/hubspot/card"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WHO = "userId=77&portalId=123&userEmail=rep%40example.com&appId=9"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a secret that is being replaced."""
    return settings.model_copy(update={"hubspot_client_secret": f"{NEW}, {OLD}"})


def asked(query: str = f"contact=101&{WHO}", *, secret: str = NEW, at: datetime = NOW) -> Delivery:
    """Return a request as HubSpot passes it on."""
    url = f"{ADDRESS}?{query}"
    headers = sign_v3(secret, "GET", url, b"", int(at.timestamp() * 1000))
    return Delivery("", "GET", url, headers, b"", NOW)


def test_account_and_user_are_those_that_hubspot_names(settings: Settings) -> None:
    """The signed address says both."""
    asker = asker_of(asked(), settings)
    assert (asker.connection_id, asker.user) == ("hubspot-123", "hubspot:77")


def test_a_secret_that_is_being_replaced_still_counts(settings: Settings) -> None:
    """Both secrets of the app are tried."""
    assert asker_of(asked(secret=OLD), settings).connection_id == "hubspot-123"


@pytest.mark.parametrize("name", ["contact=102", "portalId=124", "userId=78"])
def test_an_address_that_was_changed_is_refused(settings: Settings, name: str) -> None:
    """The signature covers every parameter."""
    delivery = asked()
    key = name.partition("=")[0]
    old = {"contact": "contact=101", "portalId": "portalId=123", "userId": "userId=77"}[key]
    with pytest.raises(SignatureError):
        asker_of(replace(delivery, url=delivery.url.replace(old, name)), settings)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_request_from_another_time_is_refused(settings: Settings, minutes: int) -> None:
    """Five minutes either way."""
    with pytest.raises(SignatureError, match="clock"):
        asker_of(asked(at=NOW + timedelta(minutes=minutes)), settings)


@pytest.mark.parametrize(
    "query",
    [
        f"portalId=999&contact=101&{WHO}",  # written by the page, before what HubSpot adds
        f"contact=101&{WHO}&portalId=999",
        f"portal%49d=999&{WHO}",
        "contact=101&userId=77",
        "contact=101&userId=77&portalId=",
        "contact=101&userId=77&portalId=12a",
        "contact=101&userId=77&portalId=%D9%A1",  # a digit, but not one of ours
        "contact=101&portalId=123",
        "&".join(f"p{number}=1" for number in range(60)) + f"&{WHO}",
    ],
)
def test_an_address_that_names_an_account_twice_or_not_at_all_is_refused(
    settings: Settings, query: str
) -> None:
    """Whoever may choose a part of the address must not choose the account by it."""
    with pytest.raises(SignatureError):
        asker_of(asked(query), settings)


def test_an_older_kind_of_signature_is_not_enough(settings: Settings) -> None:
    """v2 could be played again for ever."""
    delivery = asked()
    headers = sign_v2(NEW, "GET", delivery.url, b"")
    with pytest.raises(SignatureError):
        asker_of(replace(delivery, headers=headers), settings)


def test_without_the_apps_secret_nobody_is_believed(settings: Settings) -> None:
    """The operator reads which setting is missing."""
    bare = settings.model_copy(update={"hubspot_client_secret": " , "})
    with pytest.raises(SignatureError, match="CUEREEL_HUBSPOT_CLIENT_SECRET"):
        asker_of(asked(secret=""), bare)
