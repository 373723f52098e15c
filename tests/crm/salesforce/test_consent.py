"""Whether Salesforce says that a person may be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.crm.salesforce.consent import consent
from connector.crm.salesforce.gateway import Gateway
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError
from connector.model import Consent
from tests.crm.salesforce.orgs import dictionary

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

DICTIONARY = dictionary()
API = r".*/consent/action/email.*"
OUT = "HasOptedOutOfEmail"


def mapped_to(field: str) -> Dictionary:
    read = {**DICTIONARY.read, "contact.email_opt_out": field}
    return Dictionary("salesforce", read, DICTIONARY.write_fields, objects=DICTIONARY.objects)


@pytest.mark.parametrize("person", ["Contact", "Lead"])
@pytest.mark.parametrize(("out", "expected"), [(True, Consent.DENIED), (False, Consent.UNKNOWN)])
def test_the_opt_out_of_contacts_and_leads_is_heard(
    org: FakeOrg, gateway: Gateway, person: str, out: bool, expected: Consent
) -> None:
    """A ticked box is a no."""
    who = org.add(person, {"LastName": "Prieto", OUT: out})

    assert consent(gateway, DICTIONARY, [who]) == {who: expected}


def test_contacts_and_leads_are_one_query_each(org: FakeOrg, gateway: Gateway) -> None:
    """However many there are, up to some hundreds."""
    people = [org.add("Contact", {"LastName": "P", OUT: False}) for _ in range(150)]
    people += [org.add("Lead", {"LastName": "L", OUT: False}) for _ in range(150)]
    consent(gateway, DICTIONARY, people)
    org.calls.clear()

    assert consent(gateway, DICTIONARY, people) == dict.fromkeys(people, Consent.UNKNOWN)
    assert len(org.calls) == 2


@pytest.mark.parametrize("wish", ["HasOptedOutSolicit", "HasOptedOutProcessing", "ShouldForget"])
def test_a_wish_of_the_individual_is_a_no(org: FakeOrg, gateway: Gateway, wish: str) -> None:
    """The stricter of two answers counts."""
    individual = org.add("Individual", {"LastName": "Prieto", wish: True})
    who = org.add("Contact", {"LastName": "Prieto", OUT: False, "IndividualId": individual})

    assert consent(gateway, DICTIONARY, [who]) == {who: Consent.DENIED}


def test_not_to_be_tracked_is_no_opt_out_from_e_mail(org: FakeOrg, gateway: Gateway) -> None:
    """Another question, which another place answers."""
    individual = org.add("Individual", {"LastName": "Prieto", "HasOptedOutTracking": True})
    who = org.add("Contact", {"LastName": "Prieto", OUT: False, "IndividualId": individual})

    assert consent(gateway, DICTIONARY, [who]) == {who: Consent.UNKNOWN}


def test_an_opt_out_that_we_may_not_see_is_unreadable(org: FakeOrg, gateway: Gateway) -> None:
    """Hidden from the beginning, or since the org was asked what it has."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})
    lead = org.add("Lead", {"LastName": "Sol", OUT: False})
    assert consent(gateway, DICTIONARY, [who]) == {who: Consent.UNKNOWN}
    org.hide("Contact", OUT)

    assert consent(gateway, DICTIONARY, [who, lead]) == {
        who: Consent.UNREADABLE,
        lead: Consent.UNKNOWN,
    }


def test_an_object_that_we_may_not_see_is_unreadable(org: FakeOrg, gateway: Gateway) -> None:
    """Where we may not look, nobody has agreed."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})
    refused = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Contact' is not supported."}]
    org.fail(400, refused, path=r".*/query/?.*", times=-1)

    assert consent(gateway, DICTIONARY, [who]) == {who: Consent.UNREADABLE}


@pytest.mark.parametrize(
    ("type_", "told", "expected"),
    [
        ("string", "Yes", Consent.DENIED),
        ("string", "no", Consent.GRANTED),
        ("string", "", Consent.UNKNOWN),
        ("string", None, Consent.UNKNOWN),
        ("string", "maybe", Consent.UNREADABLE),
        ("double", 1.0, Consent.DENIED),
        ("double", 0.0, Consent.GRANTED),
        ("boolean", True, Consent.DENIED),
    ],
)
def test_a_field_of_the_orgs_own_may_say_it(
    org: FakeOrg, gateway: Gateway, type_: str, told: Any, expected: Consent
) -> None:
    """What is neither yes nor no is never a yes."""
    org.define("Contact", "No_Videos__c", type=type_)
    who = org.add("Contact", {"LastName": "Prieto", OUT: False, "No_Videos__c": told})

    assert consent(gateway, mapped_to("No_Videos__c"), [who]) == {who: expected}


def test_the_orgs_own_field_does_not_silence_the_standard_one(
    org: FakeOrg, gateway: Gateway
) -> None:
    """Whoever opted out of all e-mail gets no video either."""
    org.define("Contact", "No_Videos__c", type="boolean")
    who = org.add("Contact", {"LastName": "Prieto", OUT: True, "No_Videos__c": False})

    assert consent(gateway, mapped_to("No_Videos__c"), [who]) == {who: Consent.DENIED}


def test_a_mapped_field_that_is_not_there_is_unreadable(org: FakeOrg, gateway: Gateway) -> None:
    """Though the standard one says nothing against it."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})

    assert consent(gateway, mapped_to("No_Vidoes__c"), [who]) == {who: Consent.UNREADABLE}


def test_a_person_who_is_gone_has_said_nothing(org: FakeOrg, gateway: Gateway) -> None:
    """Deleted, never there, or no id at all: unknown."""
    deleted = org.add("Contact", {"LastName": "Prieto", OUT: False})
    org.remove("Contact", deleted)
    asked = [deleted, org.id("Contact", "999"), org.id("Account", "7"), "42", "' OR Id != '"]

    assert consent(gateway, DICTIONARY, asked) == dict.fromkeys(asked, Consent.UNKNOWN)


def test_short_ids_are_answered_as_they_were_asked(org: FakeOrg, gateway: Gateway) -> None:
    """As reports show them."""
    short = org.add("Contact", {"LastName": "Prieto", OUT: True})[:15]

    assert consent(gateway, DICTIONARY, [short]) == {short: Consent.DENIED}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"result": "Success", "proceed": {"email": "true", "emailResult": "Success"}}, Consent.UNKNOWN),
        ({"result": "Success", "proceed": {"email": "false", "emailResult": "Success"}}, Consent.DENIED),
        ({"result": "Success", "proceed": {"email": "x", "emailResult": "Success"}}, Consent.UNREADABLE),
        ({"result": "Success", "proceed": {"email": "true", "emailResult": "Error"}}, Consent.UNREADABLE),
        ({"result": "Error"}, Consent.UNREADABLE),
        ("Success", Consent.UNREADABLE),
        (None, Consent.UNREADABLE),
    ],
)  # fmt: skip
def test_the_consent_api_can_only_say_no(
    org: FakeOrg, gateway: Gateway, answer: Any, expected: Consent
) -> None:
    """Where it is allowed it is asked too, and what it does not say plainly is unreadable."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})
    org.fail(200, {who: answer}, path=API, times=-1)

    assert consent(gateway, DICTIONARY, [who], asks_api=True) == {who: expected}
    assert consent(gateway, DICTIONARY, [who]) == {who: Consent.UNKNOWN}


def test_an_opt_out_is_not_asked_about_again(org: FakeOrg, gateway: Gateway) -> None:
    """Nor is somebody who is gone; a no stays one whatever the Consent API says."""
    out = org.add("Contact", {"LastName": "Prieto", OUT: True})
    gone = org.id("Contact", "999")
    found = consent(gateway, DICTIONARY, [out, gone], asks_api=True)

    assert found == {out: Consent.DENIED, gone: Consent.UNKNOWN}
    assert not any("/consent/" in path for _, path in org.calls)


def test_a_consent_api_that_refuses_us_is_unreadable(org: FakeOrg, gateway: Gateway) -> None:
    """The connection says that we may ask; if that was taken away, nobody has agreed."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no access to privacy data"}]
    org.fail(403, refused, path=API, times=-1)

    assert consent(gateway, DICTIONARY, [who], asks_api=True) == {who: Consent.UNREADABLE}


@pytest.mark.parametrize("path", [r".*/query/?.*", API])
def test_an_org_that_is_down_gives_no_answer(org: FakeOrg, gateway: Gateway, path: str) -> None:
    """Trying again is better than taking it for anything."""
    who = org.add("Contact", {"LastName": "Prieto", OUT: False})
    org.fail(503, "<html>down</html>", path=path, times=-1)
    with pytest.raises(CRMDownError):
        consent(gateway, DICTIONARY, [who], asks_api=True)
