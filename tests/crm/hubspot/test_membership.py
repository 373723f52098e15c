"""Contacts on static lists, from which a nurture workflow takes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.write import write
from connector.model import Change, Written
from tests.crm.hubspot.portals import API, dictionary
from tests.fakes.hubspot import FakeHubSpot, serving


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal with three contacts, a static list, and one that fills itself."""
    with serving(FakeHubSpot()) as made:
        for contact in ("101", "102", "103"):
            made.add("contacts", {"firstname": "Ana"}, id=contact)
        made.add_list("7", ["103"])
        made.add_list("8", [], processing="SNAPSHOT")
        made.add_list("9", [], processing="DYNAMIC")
        yield made


def listed(contact: str, name: object) -> Change:
    return Change(f"{name}-{contact}", "list_member", contact, str(name), {"list": name})


def puts(fake: FakeHubSpot) -> list[str]:
    return [path for method, path in fake.calls if method == "PUT"]


def test_contacts_are_put_on_their_lists(gateway: Gateway, fake: FakeHubSpot) -> None:
    """One call for each list; whoever stands there already stays, and repeating changes nothing."""
    changes = [listed("101", "7"), listed("102", 8), listed("102", "7"), listed("101", "7")]
    results = write(gateway, dictionary(), changes) + write(gateway, dictionary(), changes)

    assert {one.written for one in results} == {Written.DONE}
    assert fake.lists["7"] == {"101", "102", "103"}
    assert fake.lists["8"] == {"102"}
    assert len(puts(fake)) == 4


def test_a_contact_that_is_gone_is_told_apart(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The others are put on the list."""
    fake.remove("contacts", "102")

    results = write(gateway, dictionary(), [listed("101", "7"), listed("102", "7")])

    assert [one.written for one in results] == [Written.DONE, Written.GONE]
    assert "101" in fake.lists["7"]


def test_a_list_that_fills_itself_cannot_be_written(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The admin is told to make a static one."""
    results = write(gateway, dictionary(), [listed("101", "9"), listed("101", "7")])

    assert [one.written for one in results] == [Written.REFUSED, Written.DONE]
    assert results[0].reason == "list_dynamic"
    assert "Only static lists can be written" in results[0].sentence


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("4711", "list_gone"),
        ("Hot leads", "list_unknown"),
        ("", "list_unknown"),
        ("7/..", "list_unknown"),
    ],
)
def test_a_list_that_is_not_there_is_refused(gateway: Gateway, name: str, reason: str) -> None:
    """A deleted list, or a name in place of its id, is for a person to mend."""
    [result] = write(gateway, dictionary(), [listed("101", name)])

    assert (result.written, result.reason) == (Written.REFUSED, reason)


@responses.activate
def test_both_spellings_of_the_answer_are_read(prepared: Gateway) -> None:
    """HubSpot spells who is missing in two ways."""
    at = f"{API}/crm/lists/2026-03/7/memberships/add"
    for name in ("recordIdsMissing", "recordsIdsMissing"):
        responses.add(responses.PUT, at, json={name: ["102"]}, status=200)
    results = [write(prepared, dictionary(), [listed("102", "7")])[0] for _ in range(2)]

    assert {one.written for one in results} == {Written.GONE}


@responses.activate
def test_a_list_that_cannot_be_looked_at_is_tried_again(prepared: Gateway) -> None:
    """Where HubSpot refuses and then does not say what the list is, nothing is given up."""
    at = f"{API}/crm/lists/2026-03/7"
    responses.add(responses.PUT, at + "/memberships/add", json={}, status=400)
    responses.add(responses.GET, at, json={}, status=502)

    [result] = write(prepared, dictionary(), [listed("101", "7")])

    assert (result.written, result.reason) == (Written.RETRY, "crm_down")


@responses.activate
def test_a_missing_scope_is_named(prepared: Gateway) -> None:
    """Lists need two scopes of their own, which an admin may have left out."""
    missing = {"context": {"requiredGranularScopes": ["crm.lists.write"]}}
    responses.add(
        responses.PUT,
        f"{API}/crm/lists/2026-03/7/memberships/add",
        json={"category": "MISSING_SCOPES", "errors": [missing]},
        status=403,
    )

    [result] = write(prepared, dictionary(), [listed("101", "7")])

    assert (result.written, result.reason) == (Written.REFUSED, "missing_scopes")
    assert "crm.lists.write" in result.sentence
