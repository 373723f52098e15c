"""Our properties in a portal: which are made, which are not and why, and how they go again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.install import install
from connector.crm.hubspot.properties import definitions
from connector.crm.hubspot.refusals import RefusedError
from connector.crm.hubspot.uninstall import uninstall
from connector.decide.dictionary import WRITE_WORDS, parse_dictionary
from connector.errors import CRMDownError
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from mappings import __path__ as mappings_path
from tests.crm.hubspot.portals import open_portal
from tests.crm.hubspot.reading import DICTIONARY, calls, portal
from tests.fakes.hubspot import FakeHubSpot

API = "https://api.hubapi.com"
PROPERTIES = f"{API}/crm/properties/2026-03/contacts"
OURS = tuple(spec.name for spec in DICTIONARY.write_fields.values())
TEN = OURS[:10]


@pytest.fixture
def connected(
    settings: Settings, sqlite_store: Store, keyring: Keyring
) -> Iterator[tuple[FakeHubSpot, Gateway]]:
    """A portal without our properties."""
    with portal(settings, sqlite_store, keyring) as (fake, gateway):
        yield fake, gateway


@pytest.fixture
def gateway(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Iterator[Gateway]:
    """The way to a portal whose answers a test prepares."""
    opened = open_portal(sqlite_store, settings, keyring, API, "pat-1")
    yield opened
    opened.close()


def ours_in(fake: FakeHubSpot) -> list[str]:
    held = fake.properties["contacts"].values()
    return [one["name"] for one in held if one["groupName"] == "cuereel" and not one["archived"]]


def test_all_properties_are_made_with_one_call(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """They come in the order of the dictionary, each with the type that its values have."""
    fake, gateway = connected
    report = install(gateway, DICTIONARY)

    assert report.made == OURS
    assert (report.present, report.left_out) == ((), {})
    assert len(OURS) == len(WRITE_WORDS) == 22
    posts = [call for call in calls(fake) if call.startswith("POST")]
    assert [call.rsplit("/", 1)[1] for call in posts] == ["groups", "create"]


def test_each_property_says_what_it_is(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """An admin reads label and description; no form of the portal shows them."""
    fake, gateway = connected
    install(gateway, DICTIONARY)
    held = fake.properties["contacts"]

    shown = {name: (held[name]["type"], held[name]["fieldType"]) for name in OURS}
    assert shown["cuereel_video_url"] == ("string", "text")
    assert shown["cuereel_video_status_reason"] == ("string", "textarea")
    assert shown["cuereel_percent_watched"] == ("number", "number")
    assert shown["cuereel_last_viewed_at"] == ("datetime", "date")
    for spec in DICTIONARY.write_fields.values():
        assert (held[spec.name]["label"], held[spec.name]["description"]) == (
            spec.label,
            spec.description,
        )
        assert held[spec.name]["formField"] is False
    assert [held[name]["displayOrder"] for name in OURS] == list(range(22))


def test_a_second_install_only_looks(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """Nothing is made or changed, and the portal is asked once."""
    fake, gateway = connected
    install(gateway, DICTIONARY)
    fake.properties["contacts"]["cuereel_views"]["label"] = "Visualizaciones"
    calls(fake)
    report = install(gateway, DICTIONARY)

    assert (report.made, report.present, report.left_out) == ((), OURS, {})
    assert calls(fake) == ["GET /crm/properties/2026-03/contacts"]
    assert fake.properties["contacts"]["cuereel_views"]["label"] == "Visualizaciones"


def test_a_property_that_somebody_deleted_is_made_again(
    connected: tuple[FakeHubSpot, Gateway],
) -> None:
    """Just the one that is missing is made."""
    fake, gateway = connected
    install(gateway, DICTIONARY)
    fake.properties["contacts"]["cuereel_views"]["archived"] = True

    assert install(gateway, DICTIONARY).made == ("cuereel_views",)


def test_a_portal_with_little_room_gets_what_matters_most(
    connected: tuple[FakeHubSpot, Gateway],
) -> None:
    """A free portal allows about ten: the first ten are made, the rest is named with what to do."""
    fake, gateway = connected
    fake.property_limit = 10
    report = install(gateway, DICTIONARY)

    assert report.made == TEN
    assert tuple(report.left_out) == OURS[10:]
    assert "no room" in report.left_out["cuereel_video_template"]
    assert "cuereel crm install hubspot" in report.left_out["cuereel_video_template"]


def test_room_that_comes_later_is_used(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """After an upgrade the next install makes the rest."""
    fake, gateway = connected
    fake.property_limit = 10
    install(gateway, DICTIONARY)
    fake.property_limit = 1000
    report = install(gateway, DICTIONARY)

    assert (report.made, report.present) == (OURS[10:], TEN)


def test_a_limit_in_unknown_words_is_found_out_from_the_portals_own_count(
    connected: tuple[FakeHubSpot, Gateway],
) -> None:
    """HubSpot's words for a full portal are not known for sure, so its count is asked."""
    fake, gateway = connected
    fake.property_limit = 0
    refused = {"status": "error", "category": "VALIDATION_ERROR", "message": "Computer says no"}
    fake.fail(400, refused, times=-1, path=r".*contacts(/batch/create)?$", method="POST")
    report = install(gateway, DICTIONARY)

    assert set(report.left_out) == set(OURS)
    assert "no room" in report.left_out["cuereel_video_url"]
    assert sum("limits" in path for _, path in fake.calls) == 1


def test_a_property_of_another_type_is_left_alone(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """It may be somebody else's; the admin is told what it is and what it should be."""
    fake, gateway = connected
    fake.define("contacts", "cuereel_video_url", "number")
    report = install(gateway, DICTIONARY)

    assert report.made == OURS[1:]
    assert report.left_out == {
        "cuereel_video_url": "has type number, should be string: rename or delete it in HubSpot, "
        "then run `cuereel crm install hubspot` again"
    }
    assert fake.properties["contacts"]["cuereel_video_url"]["type"] == "number"


@pytest.mark.parametrize("answer", [207, 409])
def test_what_another_process_made_meanwhile_counts_as_present(
    connected: tuple[FakeHubSpot, Gateway], answer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two admins press the button at once: both reports are true, whatever HubSpot answers."""
    fake, gateway = connected
    fake.property_conflicts = answer
    batch = gateway.client.crm.properties.batch_api
    create = batch.create

    def overtaken(*args: object, **kwargs: object) -> object:
        fake.define("contacts", "cuereel_views", "number", groupName="cuereel")
        return create(*args, **kwargs)

    monkeypatch.setattr(batch, "create", overtaken)
    report = install(gateway, DICTIONARY)

    assert report.present == ("cuereel_views",)
    assert set(report.made) == set(OURS) - {"cuereel_views"}
    assert report.left_out == {}


@responses.activate
def test_a_deleted_property_that_is_in_the_way_is_named(gateway: Gateway) -> None:
    """Where HubSpot refuses a name that it does not list, a deleted property holds it."""
    taken = {"status": "error", "category": "CONFLICT", "message": "already exists"}
    responses.get(PROPERTIES, json={"results": []})
    responses.get(f"{PROPERTIES}/groups/cuereel", json={"name": "cuereel", "label": "Cuereel"})
    responses.post(f"{PROPERTIES}/batch/create", json=taken, status=409)
    responses.post(PROPERTIES, json=taken, status=409)
    report = install(gateway, DICTIONARY)

    assert report.made == ()
    assert "restore it in HubSpot" in report.left_out["cuereel_video_url"]


@responses.activate
def test_one_property_that_is_refused_costs_no_other(gateway: Gateway) -> None:
    """A refused batch is tried one by one."""
    refused = {"status": "error", "category": "VALIDATION_ERROR", "message": "no such thing"}
    responses.get(PROPERTIES, json={"results": []})
    responses.get(f"{PROPERTIES}/groups/cuereel", json={"name": "cuereel", "label": "Cuereel"})
    responses.get(f"{API}/crm/limits/2026-03/custom-properties", status=404, json={})
    responses.post(f"{PROPERTIES}/batch/create", json=refused, status=400)
    responses.post(PROPERTIES, json=refused, status=400)
    responses.post(PROPERTIES, json={"name": "made"}, status=201)
    report = install(gateway, DICTIONARY)

    assert list(report.left_out) == ["cuereel_video_url"]
    assert report.made == OURS[1:]


def test_without_the_scope_nothing_is_tried_twice(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """Which scopes are missing is said once, not 22 times."""
    fake, gateway = connected
    fake.scopes.discard("crm.schemas.contacts.write")
    with pytest.raises(RefusedError) as refused:
        install(gateway, DICTIONARY)

    assert refused.value.reason == "missing_scopes"
    assert sum(method == "POST" for method, _ in fake.calls) == 1


def test_what_was_made_is_known_at_once(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """Nobody goes on with what the portal had told before."""
    _, gateway = connected
    assert "cuereel_views" not in definitions(gateway, "contacts")
    install(gateway, DICTIONARY)
    assert "cuereel_views" in definitions(gateway, "contacts")
    uninstall(gateway, DICTIONARY)
    assert "cuereel_views" not in definitions(gateway, "contacts")


def test_an_install_that_was_cut_off_goes_on(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """The answer is lost after the work was done; the next run finds all in place."""
    fake, gateway = connected
    fake.drop(path=".*batch/create", after_work=True)
    with pytest.raises(CRMDownError):
        install(gateway, DICTIONARY)
    report = install(gateway, DICTIONARY)

    assert (report.made, report.present) == ((), OURS)


def test_uninstalling_takes_properties_values_and_group(
    connected: tuple[FakeHubSpot, Gateway],
) -> None:
    """What was ours is gone; what was the portal's stays."""
    fake, gateway = connected
    install(gateway, DICTIONARY)
    fake.add("contacts", {"firstname": "Ana", "cuereel_video_url": "https://x.example"}, id="101")
    report = uninstall(gateway, DICTIONARY)

    assert report.left_out == dict.fromkeys(OURS, "removed")
    assert report.present == ()
    assert (ours_in(fake), fake.groups["contacts"]) == ([], {})
    assert fake.records["contacts"]["101"]["firstname"] == "Ana"
    assert "cuereel_video_url" not in fake.records["contacts"]["101"]


def test_uninstalling_twice_is_quiet(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """The second time there is nothing to remove."""
    _, gateway = connected
    install(gateway, DICTIONARY)
    uninstall(gateway, DICTIONARY)

    assert uninstall(gateway, DICTIONARY).left_out == {}


def test_a_property_that_is_in_use_is_told(connected: tuple[FakeHubSpot, Gateway]) -> None:
    """HubSpot refuses to delete what a workflow uses; the rest goes."""
    fake, gateway = connected
    install(gateway, DICTIONARY)
    fake.fail(400, {"status": "error", "category": "VALIDATION_ERROR"}, path=".*/cuereel_views$")
    report = uninstall(gateway, DICTIONARY)

    assert report.present == ("cuereel_views",)
    assert "workflows" in report.left_out["cuereel_views"]
    assert ours_in(fake) == ["cuereel_views"]


def test_a_property_of_the_admins_own_is_never_deleted(
    connected: tuple[FakeHubSpot, Gateway],
) -> None:
    """An own dictionary may write to a property that was there before us."""
    fake, gateway = connected
    packaged = Path(next(iter(mappings_path))) / "crm" / "hubspot.toml"
    text = packaged.read_text(encoding="utf-8").replace('"cuereel_video_url"', '"our_video"')
    fake.define("contacts", "our_video")
    own = parse_dictionary(text, "hubspot")
    install(gateway, own)
    uninstall(gateway, own)

    assert fake.properties["contacts"]["our_video"]["archived"] is False
