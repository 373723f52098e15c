"""Whether HubSpot says that a contact may be written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.crm.hubspot import consent as consents
from connector.crm.hubspot.consent import consent
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.properties import definitions
from connector.crm.hubspot.records import read
from connector.errors import CRMDownError
from connector.model import Consent, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.reading import DICTIONARY, calls, portal
from tests.fakes.hubspot import FakeHubSpot

NEWS = "42"
NEWS_OPT_OUT = "hs_email_optout_42"


@pytest.fixture
def served(
    settings: Settings, sqlite_store: Store, keyring: Keyring
) -> Iterator[tuple[FakeHubSpot, Gateway]]:
    """A portal with one subscription."""
    with portal(settings, sqlite_store, keyring) as (fake, gateway):
        fake.define("contacts", NEWS_OPT_OUT, "bool")
        yield fake, gateway


@pytest.mark.parametrize(
    ("everything", "news", "expected"),
    [
        ("", "", Consent.UNKNOWN),
        ("false", "", Consent.GRANTED),
        ("", "false", Consent.GRANTED),
        ("false", "false", Consent.GRANTED),
        ("true", "", Consent.DENIED),
        ("false", "true", Consent.DENIED),
        ("maybe", "true", Consent.DENIED),
        ("maybe", "false", Consent.UNREADABLE),
        ("", "1", Consent.UNREADABLE),
    ],
)
def test_either_opt_out_is_a_no(
    served: tuple[FakeHubSpot, Gateway], everything: str, news: str, expected: Consent
) -> None:
    """From all e-mail or from the subscription; what is neither yes nor no is never a yes."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": everything, NEWS_OPT_OUT: news})

    assert consent(gateway, DICTIONARY, [contact], NEWS) == {contact: expected}


def test_another_subscription_does_not_matter(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Without a subscription only the opt-out from everything counts."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false", NEWS_OPT_OUT: "true"})

    assert consent(gateway, DICTIONARY, [contact]) == {contact: Consent.GRANTED}


def test_a_contact_that_is_gone_has_said_nothing(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Deleted or never there: unknown."""
    fake, gateway = served
    deleted = fake.add("contacts", {"hs_email_optout": "false"})
    fake.remove("contacts", deleted)

    assert consent(gateway, DICTIONARY, [deleted, "999"]) == dict.fromkeys(
        (deleted, "999"), Consent.UNKNOWN
    )


def test_a_subscription_that_was_deleted_is_unreadable(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """A property that the portal lacks cannot say yes, though the other one does."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false"})

    assert consent(gateway, DICTIONARY, [contact], "7") == {contact: Consent.UNREADABLE}


@pytest.mark.parametrize("path", [".*/properties/.*", ".*/contacts/batch/read"])
def test_a_missing_scope_is_unreadable(served: tuple[FakeHubSpot, Gateway], path: str) -> None:
    """Where we may not look, nobody has agreed."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false"})
    fake.fail(403, {"category": "MISSING_SCOPES"}, times=-1, path=path)

    assert consent(gateway, DICTIONARY, [contact]) == {contact: Consent.UNREADABLE}


def test_a_portal_that_is_down_gives_no_answer(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Trying again is better than taking it for anything."""
    fake, gateway = served
    fake.fail(503, times=-1, path=".*/contacts/batch/read")
    with pytest.raises(CRMDownError):
        consent(gateway, DICTIONARY, ["101"])


def test_what_was_just_read_is_not_read_again(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Planning reads a hundred contacts and then asks for their consent: one call in all."""
    fake, gateway = served
    ids = [fake.add("contacts", {"hs_email_optout": "false"}) for _ in range(99)]
    ids.append(fake.add("contacts", {"hs_email_optout": "true"}))
    definitions(gateway, "contacts")
    calls(fake)
    read(gateway, DICTIONARY, [Subject("contact", one) for one in ids], {"contact.first_name"})
    said = consent(gateway, DICTIONARY, ids)

    assert len(calls(fake)) == 1
    assert said == dict.fromkeys(ids[:-1], Consent.GRANTED) | {ids[-1]: Consent.DENIED}


def test_a_second_question_is_asked_anew(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Who opts out between planning and sending is heard."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false"})
    read(gateway, DICTIONARY, [Subject("contact", contact)], {"contact.first_name"})
    consent(gateway, DICTIONARY, [contact])
    fake.change("contacts", contact, {"hs_email_optout": "true"})

    assert consent(gateway, DICTIONARY, [contact]) == {contact: Consent.DENIED}


def test_what_was_read_too_long_ago_is_asked_anew(
    served: tuple[FakeHubSpot, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that took its time does not act on an old answer."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false"})
    read(gateway, DICTIONARY, [Subject("contact", contact)], {"contact.first_name"})
    fake.change("contacts", contact, {"hs_email_optout": "true"})
    monkeypatch.setattr(consents, "MOMENT_SECONDS", -1.0)

    assert consent(gateway, DICTIONARY, [contact]) == {contact: Consent.DENIED}


def test_a_subscription_that_was_not_read_is_asked_for(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """A reading that knew nothing of the subscription does not answer for it."""
    fake, gateway = served
    contact = fake.add("contacts", {"hs_email_optout": "false", NEWS_OPT_OUT: "true"})
    read(gateway, DICTIONARY, [Subject("contact", contact)], {"contact.first_name"})

    assert consent(gateway, DICTIONARY, [contact], NEWS) == {contact: Consent.DENIED}


def test_a_reading_with_the_subscription_answers_for_it(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """One call for both questions."""
    fake, gateway = served
    contact = fake.add("contacts", {NEWS_OPT_OUT: "true"})
    definitions(gateway, "contacts")
    calls(fake)
    read(gateway, DICTIONARY, [Subject("contact", contact)], {"contact.first_name"}, NEWS)

    assert consent(gateway, DICTIONARY, [contact], NEWS) == {contact: Consent.DENIED}
    assert len(calls(fake)) == 1
