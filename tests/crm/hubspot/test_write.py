"""Our fields on contacts: what arrives, what is refused and why, and what is tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connector.crm.hubspot.erasing import erase
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.values import bounded, text_of
from connector.crm.hubspot.write import write
from connector.errors import CredentialError, CRMDownError, PermanentError
from connector.model import Change, Written
from connector.secrets import Keyring
from connector.store import Store, connections
from tests.crm.hubspot.portals import API, PORTAL, define_ours, dictionary, owed
from tests.fakes.hubspot import FakeHubSpot, serving

UPDATE = "/crm/objects/2026-03/contacts/batch/update"


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal with our properties and two contacts."""
    with serving(FakeHubSpot()) as made:
        define_ours(made)
        made.add("contacts", {"firstname": "Ana", "email": "ana@example.com"}, id="101")
        made.add("contacts", {"firstname": "Ben"}, id="102")
        yield made


def answers(status: int, body: Any = None, **more: Any) -> None:
    responses.add(responses.POST, API + UPDATE, json=body, status=status, **more)


def sent(call: int) -> list[dict[str, Any]]:
    body = responses.calls[call].request.body
    found: list[dict[str, Any]] = json.loads(body or "")["inputs"]
    return found


def updates(fake: FakeHubSpot) -> list[list[dict[str, Any]]]:
    return [
        json.loads(one.body)["inputs"] for one in fake.requests if one.path.endswith("batch/update")
    ]


# what arrives


def test_values_arrive_as_hubspot_wants_them(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Numbers, moments, texts and nothing stand in our properties; the contact's own are left."""
    [result] = write(
        gateway,
        dictionary(),
        [
            owed(
                "101",
                views=1234567,
                percent_watched=82.5,
                last_viewed_at="2026-11-21T10:00:00+01:00",
                video_url="https://v.example/1",
            )
        ],
    )
    [emptied] = write(gateway, dictionary(), [owed("101", video_url=None)])

    held = fake.records["contacts"]["101"]
    assert (result.written, emptied.written) == (Written.DONE, Written.DONE)
    assert (held["cuereel_views"], held["cuereel_percent_watched"]) == ("1234567", "82.5")
    assert held["cuereel_last_viewed_at"] == "2026-11-21T09:00:00Z"
    assert "cuereel_video_url" not in held
    assert (held["firstname"], held["email"]) == ("Ana", "ana@example.com")


def test_a_crowd_is_written_in_batches_of_a_hundred_with_trace_ids(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """Two hundred and fifty contacts are three calls, and every input carries its change."""
    for number in range(250):
        fake.add("contacts", {}, id=str(1000 + number))
    results = write(gateway, dictionary(), [owed(str(1000 + n), n, views=n) for n in range(250)])

    assert [f"change-{n}" for n in range(250)] == [one.change_id for one in results]
    assert {one.written for one in results} == {Written.DONE}
    assert [len(batch) for batch in updates(fake)] == [100, 100, 50]
    assert {one["objectWriteTraceId"] for batch in updates(fake) for one in batch} == {
        f"change-{n}" for n in range(250)
    }


def test_the_later_of_two_writes_of_one_contact_stands(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Both are done, in their order."""
    results = write(gateway, dictionary(), [owed("101", 1, views=1), owed("101", 2, views=2)])

    assert [one.written for one in results] == [Written.DONE, Written.DONE]
    assert fake.records["contacts"]["101"]["cuereel_views"] == "2"


def test_fields_without_room_are_not_sent(gateway: Gateway, fake: FakeHubSpot) -> None:
    """What a limit left out of the portal is left out of the write, and no more is said of it."""
    results = write(
        gateway,
        dictionary(),
        [owed("101", 1, views=1, cta_clicks=2), owed("102", 2, cta_clicks=2)],
        left_out=["cuereel_cta_clicks"],
    )

    assert [one.written for one in results] == [Written.DONE, Written.UNSUPPORTED]
    assert fake.records["contacts"]["101"]["cuereel_views"] == "1"
    assert "cuereel_cta_clicks" not in fake.records["contacts"]["101"]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "number", ""),
        (True, "text", "true"),
        (0, "number", "0"),
        (3.0, "number", "3"),
        (1e16, "number", "10000000000000000"),
        (0.1, "number", "0.1"),
        (["name", "logo"], "text", "name;logo"),
        (datetime(2026, 11, 21, 10, tzinfo=UTC), "datetime", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T10:00:00", "datetime", "2026-11-21T10:00:00.000Z"),
        (1795255200000, "datetime", "1795255200000"),
        ("soon", "datetime", "soon"),
        ("x" * 70_000, "text", "x" * 65_536),
    ],
)
def test_every_value_becomes_text(value: Any, kind: str, text: str) -> None:
    """HubSpot takes text only, with no comma, no exponent, and not too much of it."""
    assert text_of(value, kind) == text


def test_a_long_text_is_never_cut_through_a_character() -> None:
    """An emoji at the end is left out as a whole."""
    assert bounded("ab🎬", 3) == "ab"
    assert bounded("ab🎬", 4) == "ab🎬"


# what is wrong with one contact


@pytest.mark.parametrize("hints", [("objectWriteTraceId",), ("ids",), ()])
@pytest.mark.parametrize("honoured", [True, False])
def test_one_contact_that_is_gone_does_not_stop_the_others(
    gateway: Gateway, fake: FakeHubSpot, hints: tuple[str, ...], honoured: bool
) -> None:
    """However little HubSpot says, ninety-nine of a hundred are written and one is gone."""
    fake.hints, fake.honour_trace_ids = hints, honoured
    for number in range(100):
        fake.add("contacts", {}, id=str(1000 + number))
    fake.remove("contacts", "1042")
    results = write(gateway, dictionary(), [owed(str(1000 + n), n, views=n) for n in range(100)])

    assert [n for n, one in enumerate(results) if one.written is Written.GONE] == [42]
    assert sum(one.written is Written.DONE for one in results) == 99
    assert fake.records["contacts"]["1099"]["cuereel_views"] == "99"
    assert "1042" not in fake.records["contacts"]


def test_a_merged_contact_is_gone_by_its_old_id(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The one that it was merged into is another, which has its own changes."""
    fake.merge("contacts", "101", "102")

    [result] = write(gateway, dictionary(), [owed("102", views=5)])

    assert (result.written, result.reason) == (Written.GONE, "contact_gone")
    assert "cuereel_views" not in fake.records["contacts"]["101"]


@pytest.mark.parametrize("honoured", [True, False])
def test_an_admins_rule_refuses_one_record_of_a_hundred(
    gateway: Gateway, fake: FakeHubSpot, honoured: bool
) -> None:
    """The admin reads that it was a rule, and the others are written."""
    fake.honour_trace_ids = honoured
    for number in range(100):
        fake.add("contacts", {}, id=str(1000 + number))
    fake.validation_rules.append(
        lambda kind, record, values: "A phone number is required" if record == "1007" else None
    )
    results = write(gateway, dictionary(), [owed(str(1000 + n), n, views=n) for n in range(100)])

    [refused] = [one for one in results if one.written is not Written.DONE]
    assert (refused.change_id, refused.written) == ("change-7", Written.REFUSED)
    assert refused.reason == "validation_error"
    assert ("A phone number is required" if honoured else "VALIDATION_ERROR") in refused.sentence


def test_a_property_of_the_wrong_type_is_named_and_its_value_is_not(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """An admin reads which property takes no such value; what the value was stays with us."""
    fake.define("contacts", "cuereel_video_url", "number")

    results = write(
        gateway,
        dictionary(),
        [owed("101", 1, video_url="https://v.example/secret"), owed("102", 2, views=1)],
    )

    assert [one.written for one in results] == [Written.REFUSED, Written.DONE]
    assert "cuereel_video_url" in results[0].sentence
    assert "v.example" not in results[0].sentence
    assert len(results[0].sentence) <= 300


@pytest.mark.parametrize("honoured", [True, False])
def test_a_property_that_the_portal_deleted_waits_for_an_admin(
    gateway: Gateway, fake: FakeHubSpot, honoured: bool
) -> None:
    """The rest is written at once; the change comes again, and heals when the property is back."""
    fake.honour_trace_ids = honoured
    del fake.properties["contacts"]["cuereel_views"]
    changes = [owed("101", 1, views=1, video_status="ready"), owed("102", 2, video_status="ready")]

    results = write(gateway, dictionary(), changes)

    assert [one.written for one in results] == [Written.RETRY, Written.DONE]
    assert (results[0].reason, results[0].after) == ("field_missing", 600)
    assert "cuereel_views" in results[0].sentence
    assert "cuereel crm install" in results[0].sentence
    assert fake.records["contacts"]["101"]["cuereel_video_status"] == "ready"
    define_ours(fake)
    assert [one.written for one in write(gateway, dictionary(), changes)] == [Written.DONE] * 2


def test_a_missing_property_costs_few_calls(gateway: Gateway, fake: FakeHubSpot) -> None:
    """A hundred contacts of a portal without two of our properties are a few calls, not hundreds."""
    for name in ("cuereel_views", "cuereel_last_cta"):
        del fake.properties["contacts"][name]
    for number in range(100):
        fake.add("contacts", {}, id=str(1000 + number))
    write(
        gateway,
        dictionary(),
        [owed(str(1000 + n), n, views=n, last_cta="x", cta_clicks=1) for n in range(100)],
    )

    assert len(updates(fake)) <= 4
    assert fake.records["contacts"]["1050"]["cuereel_cta_clicks"] == "1"


def test_what_has_no_place_is_unsupported(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Rows of the second layer, unknown kinds and unknown words block nothing and are not sent."""
    kinds = ("video_row", "view_row", "fax")
    changes = [Change(kind, kind, "101", "k", {"status": "ready"}) for kind in kinds]
    results = write(gateway, dictionary(), [*changes, owed("101", 4, no_such_word=1)])

    assert {one.written for one in results} == {Written.UNSUPPORTED}
    assert results[0].sentence.startswith("HubSpot has no place")
    assert not updates(fake)


# what is wrong with the call


@responses.activate
def test_busy_says_when_and_nothing_else_is_asked(prepared: Gateway) -> None:
    """After a 429 with Retry-After all that is left is to be tried again then."""
    answers(
        429,
        {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"},
        headers={"Retry-After": "7"},
    )
    note = Change("note-1", "note", "101", "k", {"subject": "Ready", "body": "x"})

    results = write(prepared, dictionary(), [*(owed(str(n), n, views=n) for n in range(150)), note])

    assert len(responses.calls) == 1
    assert {(one.written, one.reason, one.after) for one in results} == {
        (Written.RETRY, "crm_busy", 7.0)
    }


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "headers", "least"),
    [
        (429, {"policyName": "DAILY", "errorType": "RATE_LIMIT"}, {}, 1.0),
        (423, {"message": "locked"}, {}, 2.0),
        (477, {"message": "migrating"}, {"Retry-After": "1200"}, 1200.0),
    ],
)
def test_other_ways_of_being_busy(
    prepared: Gateway, status: int, body: Any, headers: dict[str, str], least: float
) -> None:
    """A spent day, a locked record and a moving portal each say how long."""
    answers(status, body, headers=headers)

    [result] = write(prepared, dictionary(), [owed("101", views=1)])

    assert result.written is Written.RETRY
    assert result.after is not None
    assert result.after >= least


@responses.activate
@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 523, 524, 408])
def test_a_call_that_fails_costs_the_other_calls_nothing(prepared: Gateway, status: int) -> None:
    """What HubSpot was not well for is tried again; the next hundred are written."""
    answers(status, {"message": "internal error"})
    answers(200, {"status": "COMPLETE", "results": []})

    results = write(prepared, dictionary(), [owed(str(n), n, views=n) for n in range(150)])

    assert [one.written for one in results] == [Written.RETRY] * 100 + [Written.DONE] * 50
    assert results[0].reason == "crm_down"


@responses.activate
def test_a_page_of_html_is_no_answer(prepared: Gateway) -> None:
    """What is no JSON is tried again, because it may or may not have been written."""
    responses.add(responses.POST, API + UPDATE, body="<html>hello</html>", status=200)

    [result] = write(prepared, dictionary(), [owed("101", views=1)])

    assert (result.written, result.reason) == (Written.RETRY, "crm_down")


@responses.activate
def test_a_missing_scope_is_named_and_not_asked_for_a_hundred_times(prepared: Gateway) -> None:
    """One 403 is enough for all; the admin reads which scope is missing."""
    answers(
        403,
        {
            "status": "error",
            "category": "MISSING_SCOPES",
            "message": "This app hasn't been granted all required scopes",
            "errors": [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]},
                }
            ],
        },
    )

    results = write(prepared, dictionary(), [owed(str(n), n, views=n) for n in range(100)])

    assert len(responses.calls) == 1
    assert {(one.written, one.reason) for one in results} == {(Written.REFUSED, "missing_scopes")}
    assert "crm.objects.contacts.write" in results[0].sentence


@responses.activate
def test_a_token_that_is_not_taken_is_for_the_connection(
    prepared: Gateway, sqlite_store: Store, keyring: Keyring
) -> None:
    """No change is at fault; the whole connection waits for an admin."""
    answers(401, {"category": "EXPIRED_AUTHENTICATION"})
    secrets = {"kind": "static", "access": "pat-eu1-0000"}
    with sqlite_store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id=f"hubspot-{PORTAL}",
            crm="hubspot",
            title="Casa Verde",
            secrets=secrets,
        )

    with pytest.raises(CredentialError):
        write(prepared, dictionary(), [owed("101", views=1)])


@responses.activate
def test_an_error_without_any_name_is_traced_by_what_was_written(prepared: Gateway) -> None:
    """Of three, those whose records come back are done; the one left over is meant."""
    answers(
        207,
        {
            "status": "COMPLETE",
            "results": [{"id": "1"}, {"id": "3"}],
            "numErrors": 1,
            "errors": [
                {"category": "VALIDATION_ERROR", "message": "not this one, ana@example.com"}
            ],
        },
    )

    results = write(prepared, dictionary(), [owed(str(n), n, views=n) for n in (1, 2, 3)])

    assert [one.written for one in results] == [Written.DONE, Written.REFUSED, Written.DONE]
    assert "example.com" not in results[1].sentence


@responses.activate
def test_a_read_only_property_is_named(prepared: Gateway) -> None:
    """A refusal whose words quote a list of properties is told with their own sentences."""
    quoted = [
        {
            "isValid": False,
            "message": '"cuereel_views" is a read only property; its value cannot be set.',
            "error": "READ_ONLY_VALUE",
            "name": "cuereel_views",
        }
    ]
    trouble = {
        "category": "VALIDATION_ERROR",
        "message": f"Property values were not valid: {json.dumps(quoted)}",
        "context": {"objectWriteTraceId": ["change-1"]},
    }
    answers(207, {"results": [], "numErrors": 1, "errors": [trouble]})

    [result] = write(prepared, dictionary(), [owed("101", views=1)])

    assert result.written is Written.REFUSED
    assert result.sentence.startswith("HubSpot refused cuereel_views: ")
    assert "read only property" in result.sentence
    assert "isValid" not in result.sentence


@responses.activate
def test_a_missing_property_that_only_a_quoted_list_names_is_left_out(prepared: Gateway) -> None:
    """Real refusals hold the property's name in their words; the second try does without it."""
    quoted = [
        {
            "isValid": False,
            "message": 'Property "cuereel_views" does not exist',
            "error": "PROPERTY_DOESNT_EXIST",
            "name": "cuereel_views",
        }
    ]
    trouble = {"message": f"Property values were not valid: {json.dumps(quoted)}"}
    answers(400, {"category": "VALIDATION_ERROR", "message": "no", "errors": [trouble]})
    answers(200, {"results": [{"id": "101"}]})

    [result] = write(prepared, dictionary(), [owed("101", views=1, video_status="ready")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert sent(1)[0]["properties"] == {"cuereel_video_status": "ready"}


@responses.activate
def test_a_contact_that_a_whole_call_does_not_find_is_gone(prepared: Gateway) -> None:
    """A 404 means the same as its line in a 207."""
    answers(404, {"category": "OBJECT_NOT_FOUND", "message": "no"})

    [result] = write(prepared, dictionary(), [owed("101", views=1)])

    assert (result.written, result.reason) == (Written.GONE, "contact_gone")


@responses.activate
def test_a_refusal_without_any_words_is_told_by_its_number(prepared: Gateway) -> None:
    """Every part of an error may be absent; an admin can still ask HubSpot about it."""
    answers(400, {"correlationId": "5aefa1d3-0000-4000-8000-000000000001"})
    answers(400, {})

    results = [write(prepared, dictionary(), [owed("101", views=1)])[0] for _ in range(2)]

    assert {(one.written, one.reason) for one in results} == {(Written.REFUSED, "refused")}
    assert results[0].sentence.endswith("correlation id 5aefa1d3-0000-4000-8000-000000000001")
    assert results[1].sentence == "HubSpot refused the change: it gave no reason"


@responses.activate
@pytest.mark.parametrize(
    "trouble",
    [
        {"in": "properties.cuereel_views", "code": "PROPERTY_DOESNT_EXIST"},
        {"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": "cuereel_views"}},
        {"message": 'Property "cuereel_views" does not exist'},
        {"message": "x", "errors": [{"code": "PROPERTY_DOESNT_EXIST", "name": "cuereel_views"}]},
    ],
)
def test_a_missing_property_is_known_by_any_of_its_names(
    prepared: Gateway, trouble: dict[str, Any]
) -> None:
    """Code, place, context or words: whatever HubSpot says of it, the rest is written."""
    answers(400, {"category": "VALIDATION_ERROR", "errors": [trouble]})
    answers(200, {"results": [{"id": "101"}]})

    [result] = write(prepared, dictionary(), [owed("101", views=1, video_status="ready")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")


@responses.activate
def test_words_that_look_like_a_list_and_are_none_are_told_as_they_are(prepared: Gateway) -> None:
    """A message that breaks off does not break us, and is cut at three hundred characters."""
    trouble = {"message": "not valid: [{" + "x" * 900, "context": {"ids": ["101"]}}
    answers(207, {"results": [], "errors": [trouble]})

    [result] = write(prepared, dictionary(), [owed("101", views=1)])

    assert result.written is Written.REFUSED
    assert len(result.sentence) == 300


# erasing


def test_erasing_leaves_nothing_of_ours(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Our fields are empty and our notes gone; the contact's own fields and notes stay."""
    del fake.properties["contacts"]["cuereel_last_cta"]
    others = fake.add("notes", {"hs_note_body": "Called, Ref 12"})
    fake.associate("contacts", "101", "notes", others)
    note = Change("n", "note", "101", "k", {"subject": "Ready", "body": "x"})
    task = Change("t", "task", "101", "k", {"subject": "Call", "body": "x"})
    write(gateway, dictionary(), [owed("101", views=3), note, task, owed("102", 2, views=4)])

    for contact in ("101", "101", "999999"):
        erase(gateway, dictionary(), contact)

    held = fake.records["contacts"]
    assert [name for name in held["101"] if name.startswith("cuereel_")] == []
    assert (held["101"]["firstname"], held["102"]["cuereel_views"]) == ("Ana", "4")
    assert (list(fake.records["notes"]), list(fake.records["tasks"])) == ([others], [])


@responses.activate
def test_an_erasure_that_did_not_get_through_is_an_error(prepared: Gateway) -> None:
    """Whoever erases must know that it did not happen, and whether trying again helps."""
    answers(502)
    answers(403, {"category": "MISSING_SCOPES"})
    nothing = f"{API}/crm/associations/2026-03/contacts/{{}}/batch/read"
    for kind in ("notes", "tasks"):
        responses.add(responses.POST, nothing.format(kind), json={"results": []}, status=207)

    with pytest.raises(CRMDownError):
        erase(prepared, dictionary(), "101")
    with pytest.raises(PermanentError):
        erase(prepared, dictionary(), "101")


def test_fields_that_cannot_be_emptied_do_not_save_the_notes(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """Where an admin's rule refuses the contact, what can be removed is removed all the same."""
    note = Change("n", "note", "101", "k", {"subject": "Ready", "body": "x"})
    write(gateway, dictionary(), [note])
    fake.validation_rules.append(lambda kind, record, values: "No" if kind == "contacts" else None)

    with pytest.raises(PermanentError):
        erase(gateway, dictionary(), "101")

    assert fake.records["notes"] == {}
