"""Who is in a segment of a portal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.lists import members
from connector.errors import CRMDownError, NotFoundError, PayloadError
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.reading import DICTIONARY, calls, portal
from tests.fakes.hubspot import FakeHubSpot, search


@pytest.fixture
def served(
    settings: Settings, sqlite_store: Store, keyring: Keyring
) -> Iterator[tuple[FakeHubSpot, Gateway]]:
    """A portal whose contacts have a plan."""
    with portal(settings, sqlite_store, keyring) as (fake, gateway):
        yield fake, gateway


def people(fake: FakeHubSpot, count: int, **properties: object) -> set[str]:
    return {fake.add("contacts", properties) for _ in range(count)}


def test_everybody_is_walked_a_hundred_at_a_time(served: tuple[FakeHubSpot, Gateway]) -> None:
    """All contacts, each once, and nothing of them but their ids."""
    fake, gateway = served
    everybody = people(fake, 250, firstname="Ana")
    found = list(members(gateway, DICTIONARY, "all"))

    assert len(found) == 250
    assert set(found) == everybody
    assert len(calls(fake)) == 3
    assert all("firstname" not in one.query for one in fake.requests)


@pytest.mark.parametrize("segment", ["list:42", "42", " list: 42 "])
def test_a_list_is_named_by_its_number(served: tuple[FakeHubSpot, Gateway], segment: str) -> None:
    """With `list:` before it or without; its members come 250 at a time."""
    fake, gateway = served
    inside = people(fake, 300)
    people(fake, 5)
    fake.add_list("42", inside)
    found = list(members(gateway, DICTIONARY, segment))

    assert len(found) == 300
    assert set(found) == inside
    assert len(calls(fake)) == 3


def test_a_list_that_is_not_there_is_named(served: tuple[FakeHubSpot, Gateway]) -> None:
    """The sentence says which number was looked for and where to find the right one."""
    with pytest.raises(NotFoundError, match="no list 43"):
        list(members(served[1], DICTIONARY, "list:43"))


def test_a_list_of_companies_is_no_audience(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Ids of companies are never taken for contacts."""
    fake, gateway = served
    fake.add_list("42", people(fake, 1))
    fake.fail(200, {"list": {"listId": "42", "objectTypeId": "0-2"}}, path=".*/42")
    with pytest.raises(PayloadError, match="does not hold contacts"):
        list(members(gateway, DICTIONARY, "42"))


@pytest.mark.parametrize("segment", ["plan=team", "contact.plan = TEAM", "plan= Team "])
def test_a_value_finds_those_who_have_it(served: tuple[FakeHubSpot, Gateway], segment: str) -> None:
    """By our word, with its record or without; capitals do not matter."""
    fake, gateway = served
    team = people(fake, 3, plan="team")
    people(fake, 2, plan="starter")

    assert set(members(gateway, DICTIONARY, segment)) == team


def test_a_word_stands_for_its_property(served: tuple[FakeHubSpot, Gateway]) -> None:
    """`first_name` is HubSpot's `firstname`, and so is `firstname` itself."""
    fake, gateway = served
    ana = fake.add("contacts", {"firstname": "Ana"})
    people(fake, 1, firstname="Bo")

    assert list(members(gateway, DICTIONARY, "first_name=Ana")) == [ana]
    assert list(members(gateway, DICTIONARY, "firstname=Ana")) == [ana]


def test_no_value_finds_those_who_have_none(served: tuple[FakeHubSpot, Gateway]) -> None:
    """`plan=` are the contacts without a plan."""
    fake, gateway = served
    people(fake, 2, plan="team")
    bare = people(fake, 1)

    assert set(members(gateway, DICTIONARY, "plan=")) == bare


def test_a_property_that_is_not_there_is_named(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Nobody is not the answer to a misspelt property; no search is made."""
    fake, gateway = served
    for segment in ("plam=team", "owner_email=sam@casa-verde.example"):
        with pytest.raises(NotFoundError, match="no property"):
            list(members(gateway, DICTIONARY, segment))
    assert not any(call.endswith("/search") for call in calls(fake))


@pytest.mark.parametrize(
    "segment", ["everybody", "", "=team", "list:", "list:x", "list:../1", "-1"]
)
def test_a_segment_that_says_nothing_is_refused(
    served: tuple[FakeHubSpot, Gateway], segment: str
) -> None:
    """The sentence says how to write one."""
    with pytest.raises(PayloadError, match="property=value"):
        list(members(served[1], DICTIONARY, segment))


def test_a_search_goes_on_where_hubspot_ends_it(
    served: tuple[FakeHubSpot, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot ends a search at 10,000 results, this portal at 1,000; a segment ends at neither."""
    fake, gateway = served
    monkeypatch.setattr(search, "DEEPEST", 1_000)
    fake.define("contacts", "plan")
    # ids of different lengths, so that they must be put in order as numbers
    team = {str(number): {"plan": "team"} for number in range(400, 1_801)}
    fake.records["contacts"] |= dict(sorted(team.items()))
    found = list(members(gateway, DICTIONARY, "plan=team"))

    assert found == sorted(team, key=int)
    assert len([call for call in calls(fake) if call.endswith("/search")]) == 8


def test_pages_that_lead_in_a_circle_are_left(served: tuple[FakeHubSpot, Gateway]) -> None:
    """A far side that gives the same page for ever does not keep us for ever."""
    fake, gateway = served
    page = {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}
    fake.fail(200, page, times=-1, path=".*/objects/[^/]+/contacts$")
    walked = members(gateway, DICTIONARY, "all")

    assert next(walked) == "1"
    with pytest.raises(CRMDownError, match="circle"):
        list(walked)


def test_a_search_that_does_not_move_on_is_left(served: tuple[FakeHubSpot, Gateway]) -> None:
    """The same for a search that ignores where to begin."""
    fake, gateway = served
    fake.define("contacts", "plan")
    page = {"total": 500, "results": [{"id": str(number)} for number in range(1, 201)]}
    fake.fail(200, page, times=-1, path=".*/search")
    with pytest.raises(CRMDownError, match="circle"):
        list(members(gateway, DICTIONARY, "plan=team"))
