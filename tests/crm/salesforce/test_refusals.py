"""Every row of the error table (salesforce.md §4.5), as it comes over HTTP, on a record or in a bulk job."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.refusals import (
    Complaint,
    RefusedError,
    of_bulk,
    refusal,
    result,
    said,
    told,
    word_of,
)
from connector.errors import (
    ConnectorError,
    CredentialError,
    CRMBusyError,
    CRMDownError,
    NotFoundError,
    PermanentError,
    TemporaryError,
)
from connector.model import Written

PATH = "https://salesforce.example/services/data/v67.0/limits"
TOTAL, CONCURRENT = "TotalRequests Limit exceeded.", (
    "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
)  # fmt: skip
PAGE = "<html><head><title>We are down for maintenance</title></head></html>"


def one(code: str, message: str = "", **more: Any) -> list[dict[str, Any]]:
    return [{"message": message or f"the message of {code}", "errorCode": code, **more}]


OVER_HTTP: dict[str, tuple[int, Any, type[ConnectorError], str, float | None]] = {
    "calls of the day": (403, one("REQUEST_LIMIT_EXCEEDED", TOTAL), CRMBusyError, "crm_busy", 900.0),
    "long calls": (403, one("REQUEST_LIMIT_EXCEEDED", CONCURRENT), CRMBusyError, "crm_busy", 5.0),
    "long calls of the org": (
        403, one("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), CRMBusyError, "crm_busy", 5.0,
    ),
    "a lock": (400, one("UNABLE_TO_LOCK_ROW"), CRMBusyError, "locked", 3.0),
    "server unavailable": (503, one("SERVER_UNAVAILABLE"), CRMDownError, "crm_down", None),
    "a slow query": (400, one("QUERY_TIMEOUT"), CRMDownError, "crm_down", None),
    "500": (500, one("UNKNOWN_EXCEPTION"), CRMDownError, "crm_down", None),
    "500 in HTML": (500, PAGE, CRMDownError, "crm_down", None),
    "502": (502, "", CRMDownError, "crm_down", None),
    "503 in HTML": (503, PAGE, CRMDownError, "crm_down", None),
    "HTML instead of JSON": (200, PAGE, CRMDownError, "crm_down", None),
    "not found": (404, one("NOT_FOUND"), NotFoundError, "not_found", None),
    "deleted": (404, one("ENTITY_IS_DELETED"), NotFoundError, "not_found", None),
    "a malformed id": (400, one("MALFORMED_ID"), RefusedError, "malformed_id", None),
    "an unknown reference": (
        400, one("INVALID_CROSS_REFERENCE_KEY"), RefusedError, "invalid_cross_reference_key", None,
    ),
    "an unknown field": (400, one("INVALID_FIELD"), RefusedError, "invalid_field", None),
    "a field not to be written": (
        400, one("INVALID_FIELD_FOR_INSERT_UPDATE", fields=["Cuereel_Views__c"]), RefusedError,
        "invalid_field_for_insert_update", None,
    ),
    "no access": (403, one("INSUFFICIENT_ACCESS"), RefusedError, "insufficient_access", None),
    "read only": (
        400, one("INSUFFICIENT_ACCESS_OR_READONLY"), RefusedError, "insufficient_access_or_readonly", None,
    ),
    "a validation rule": (
        400, one("FIELD_CUSTOM_VALIDATION_EXCEPTION"), RefusedError, "field_custom_validation_exception", None,
    ),
    "a required field": (
        400, one("REQUIRED_FIELD_MISSING", fields=["LastName"]), RefusedError, "required_field_missing", None,
    ),
    "a long text": (400, one("STRING_TOO_LONG"), RefusedError, "string_too_long", None),
    "a picklist": (
        400, one("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), RefusedError,
        "invalid_or_null_for_restricted_picklist", None,
    ),
    "a duplicate rule": (400, one("DUPLICATES_DETECTED"), RefusedError, "duplicates_detected", None),
    "a value that exists": (400, one("DUPLICATE_VALUE"), RefusedError, "duplicate_value", None),
    "several records": (
        300, ["/services/data/v67.0/sobjects/Contact/0035g00000ABCDEAA5"], CRMDownError, "crm_down", None,
    ),
    "an old version": (400, one("UNSUPPORTED_API_VERSION"), PermanentError, "api_version", None),
    "a retired version": (410, one("GONE"), PermanentError, "api_version", None),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OVER_HTTP))
def test_an_error_says_whether_to_wait_to_mend_or_to_give_up(prepared: Gateway, name: str) -> None:
    """By its code and not by its status: 403 is a permission or a limit."""
    status, content, kind, reason, after = OVER_HTTP[name]
    with responses.RequestsMock() as far:
        if isinstance(content, str):
            far.get(PATH, body=content, status=status, content_type="text/html")
        else:
            far.get(PATH, json=content, status=status)
        with pytest.raises(ConnectorError) as raised:
            prepared.call("GET", "limits")

    assert type(raised.value) is kind
    assert raised.value.reason == reason
    assert getattr(raised.value, "after", None) == after
    assert "the message of" not in raised.value.sentence


def test_all_calls_rest_after_the_limit_of_the_day(prepared: Gateway) -> None:
    """No further call is made until it is worth a try."""
    with responses.RequestsMock() as far:
        far.get(PATH, json=one("REQUEST_LIMIT_EXCEEDED", TOTAL), status=403)
        for _ in range(3):
            with pytest.raises(CRMBusyError):
                prepared.call("GET", "limits")
        assert len(far.calls) == 1


def test_a_lock_stops_nobody_else(prepared: Gateway) -> None:
    """It is about one record."""
    with responses.RequestsMock() as far:
        far.get(PATH, json=one("UNABLE_TO_LOCK_ROW"), status=400)
        with pytest.raises(CRMBusyError):
            prepared.call("GET", "limits")
        far.get(PATH, json={"DailyApiRequests": {"Max": 5}})
        assert prepared.call("GET", "limits") == {"DailyApiRequests": {"Max": 5}}


ON_RECORDS: dict[str, tuple[Written, str]] = {
    "UNABLE_TO_LOCK_ROW": (Written.RETRY, "locked"),
    "SERVER_UNAVAILABLE": (Written.RETRY, "crm_down"),
    "QUERY_TIMEOUT": (Written.RETRY, "crm_down"),
    "REQUEST_LIMIT_EXCEEDED": (Written.RETRY, "crm_busy"),
    "PROCESSING_HALTED": (Written.RETRY, "crm_down"),
    "ENTITY_IS_DELETED": (Written.GONE, "contact_gone"),
    "INVALID_CROSS_REFERENCE_KEY": (Written.GONE, "contact_gone"),
    "NOT_FOUND": (Written.GONE, "contact_gone"),
    "MALFORMED_ID": (Written.GONE, "contact_gone"),
    "INSUFFICIENT_ACCESS": (Written.RETRY, "insufficient_access"),
    "INSUFFICIENT_ACCESS_OR_READONLY": (Written.RETRY, "insufficient_access_or_readonly"),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (Written.REFUSED, "field_custom_validation_exception"),
    "REQUIRED_FIELD_MISSING": (Written.REFUSED, "required_field_missing"),
    "STRING_TOO_LONG": (Written.REFUSED, "string_too_long"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (
        Written.REFUSED, "invalid_or_null_for_restricted_picklist",
    ),
    "DUPLICATES_DETECTED": (Written.REFUSED, "duplicates_detected"),
    "DUPLICATE_VALUE": (Written.REFUSED, "duplicate_value"),
    "SOMETHING_NEW": (Written.REFUSED, "something_new"),
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(ON_RECORDS))
def test_the_error_of_one_record_is_about_that_record(code: str) -> None:
    """In a collection it comes as `statusCode`, in a bulk job as text; both mean the same."""
    written, reason = ON_RECORDS[code]
    collected = told(
        [{"statusCode": code, "message": "Ana Prieto may not", "fields": ["Cuereel_Views__c"]}]
    )
    for error in (collected, of_bulk(f"{code}:Ana Prieto may not: and more:Cuereel_Views__c --")):
        found = result("change-1", word_of(error))

        assert (found.written, found.reason) == (written, reason)
        assert found.sentence
        assert "Ana" not in found.sentence
        assert error.fields == ("Cuereel_Views__c",)


@pytest.mark.parametrize(
    "error",
    [
        said("INVALID_FIELD", "No such column 'Cuereel_Views__c' on sobject of type Contact"),
        said(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields",
            ["Cuereel_Views__c"],
        ),
        of_bulk(
            "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: X:Cuereel_Views__c --"
        ),
        said("InvalidBatch", "InvalidBatch : Field name not found : Cuereel_Views__c"),
    ],
)
def test_a_missing_field_is_named(error: Any) -> None:
    """So that all others can be written without it."""
    word = word_of(error)
    assert isinstance(word, Complaint)
    assert word.missing == {"Cuereel_Views__c"}
    assert word.reason == "field_missing"


def test_a_view_whose_video_is_not_there_yet_comes_again() -> None:
    """Its video's own record may be written a moment later."""
    word = word_of(
        said(
            "INVALID_FIELD",
            "Foreign key external ID: v-1 not found for field Key__c in entity Cuereel_Video__c",
        )
    )
    assert isinstance(word, TemporaryError)
    assert word.reason == "not_there_yet"


def test_a_session_that_is_refused_twice_is_for_an_admin() -> None:
    """With or without a body that tells so."""
    for content in (one("INVALID_SESSION_ID"), None, {"error": "x" * 5000}):
        error = refusal(401, content)
        assert isinstance(error, CredentialError | RefusedError)
    assert isinstance(refusal(401, None), CredentialError)


@given(
    status=st.integers(300, 599),
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errorCode", "statusCode", "error", "message", "fields", "error_description"]),
            inner, max_size=4,
        ),
        max_leaves=12,
    ),
)  # fmt: skip
def test_whatever_an_error_looks_like_it_becomes_one_of_ours(status: int, content: Any) -> None:
    """Nothing that an org answers can crash what reads it, nor put its text into our sentence."""
    error = refusal(status, content)
    assert isinstance(error, ConnectorError)
    assert len(error.sentence) < 600
    assert result("c", word_of(told(content))).written in set(Written)
