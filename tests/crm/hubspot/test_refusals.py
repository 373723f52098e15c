"""What each of HubSpot's refusals means for us: hubspot.md §7.2, row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.refusals import RefusedError, refusal
from connector.errors import (
    ConnectorError,
    CredentialError,
    CRMBusyError,
    CRMDownError,
    NotFoundError,
)

CORRELATION = "a43683b0-5717-4ceb-80b4-104d02915d8c"
CROWDED = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "correlationId": CORRELATION,
    "policyName": "TEN_SECONDLY_ROLLING",
    "groupName": "publicapi:private-apps-api-calls-tensecondly:123",
}
INVALID = {
    "status": "error",
    "message": 'Property values were not valid: [{"message":"ana@example.com is no number"}]',
    "correlationId": CORRELATION,
    "category": "VALIDATION_ERROR",
    "subCategory": "propertyValidation.INVALID",
    "context": {"ids": ["101"]},
    "errors": [
        {
            "message": "ana@example.com was not a valid number",
            "code": "INVALID_INTEGER",
            "context": {"propertyName": ["cuereel_views"]},
        }
    ],
}


def refused(
    status: int, body: Mapping[str, Any] | bytes = b"", headers: Mapping[str, str] | None = None
) -> ConnectorError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refusal(status, headers or {}, raw)


def test_too_many_calls_wait_for_as_long_as_hubspot_says() -> None:
    """Header names come in any case."""
    error = refused(429, CROWDED, {"retry-AFTER": "7"})

    assert isinstance(error, CRMBusyError)
    assert error.after == 7


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY"])
@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"Retry-After": "-4"}])
def test_too_many_calls_wait_a_second_where_nothing_is_said(
    policy: str, header: dict[str, str]
) -> None:
    """Nonsense is as good as nothing."""
    error = refused(429, {**CROWDED, "policyName": policy}, header)

    assert isinstance(error, CRMBusyError)
    assert error.after == 1


@time_machine.travel(datetime(2026, 11, 22, 21, 30, tzinfo=UTC), tick=False)
def test_the_daily_limit_rests_until_the_portals_midnight() -> None:
    """The day ends where the portal is, and the sentence says when work goes on."""
    body = json.dumps({**CROWDED, "policyName": "DAILY"}).encode()
    error = refusal(429, {}, body, zone=ZoneInfo("Europe/Madrid"))

    assert isinstance(error, CRMBusyError)
    assert error.after == 90 * 60
    assert "2026-11-23 00:00 (Europe/Madrid)" in error.sentence


@time_machine.travel(datetime(2026, 10, 25, 0, 0, tzinfo=ZoneInfo("Europe/Madrid")), tick=False)
def test_the_daily_limit_knows_that_a_day_may_have_25_hours() -> None:
    """The clocks go back that night."""
    error = refusal(429, {}, b'{"policyName": "DAILY"}', zone=ZoneInfo("Europe/Madrid"))

    assert isinstance(error, CRMBusyError)
    assert error.after == 25 * 3600


@pytest.mark.parametrize(
    ("header", "after"), [({}, 2), ({"Retry-After": "1"}, 2), ({"Retry-After": "9"}, 9)]
)
def test_a_locked_record_waits_two_seconds_at_least(header: dict[str, str], after: float) -> None:
    """423: HubSpot asks for two seconds or more."""
    error = refused(423, {"message": "locked"}, header)

    assert isinstance(error, CRMBusyError)
    assert error.after == after


@pytest.mark.parametrize(
    ("header", "after"), [("3600", 3600), ("86400", 86_400), ("999999", 86_400), ("", 600)]
)
def test_a_portal_that_moves_is_left_alone_for_a_day_at_most(header: str, after: float) -> None:
    """477: migration to another data centre."""
    error = refused(477, {}, {"Retry-After": header})

    assert isinstance(error, CRMBusyError)
    assert error.after == after


def test_a_wait_may_be_given_as_a_date() -> None:
    """HTTP allows both."""
    then = datetime.now(UTC) + timedelta(seconds=40)
    error = refused(429, CROWDED, {"Retry-After": then.strftime("%a, %d %b %Y %H:%M:%S GMT")})

    assert isinstance(error, CRMBusyError)
    assert 37 <= (error.after or 0) <= 41


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 521, 523, 524])
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b'{"status": "error"}'])
def test_a_server_that_is_not_well_is_asked_again(status: int, body: bytes) -> None:
    """Whatever it says of itself."""
    assert isinstance(refused(status, body), CRMDownError)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_page_where_json_is_due_is_no_refusal(status: int) -> None:
    """Something between us and HubSpot wrote it."""
    assert isinstance(refused(status, b"<!DOCTYPE html><title>Attention</title>"), CRMDownError)


def test_a_redirect_is_not_taken_for_a_refusal() -> None:
    """None is followed: our token would go along."""
    assert isinstance(refused(302), CRMDownError)


def test_an_expired_or_revoked_token_asks_for_an_admin() -> None:
    """The sentence says what to do."""
    error = refused(401, {"status": "error", "category": "EXPIRED_AUTHENTICATION"})

    assert isinstance(error, CredentialError)
    assert "connect it again" in error.sentence


def test_missing_scopes_say_so() -> None:
    """The credentials are good: it is no CredentialError."""
    error = refused(403, {"status": "error", "category": "MISSING_SCOPES"})

    assert isinstance(error, RefusedError)
    assert error.reason == "missing_scopes"
    assert "scopes are missing" in error.sentence


def test_a_record_that_is_gone_is_not_found() -> None:
    """Archived, or never there."""
    body = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"}

    assert isinstance(refused(404, body), NotFoundError)
    assert isinstance(refused(404), NotFoundError)


def test_a_refusal_is_told_apart_by_its_category() -> None:
    """Callers look at codes, admins read a sentence with a correlation id."""
    error = refused(400, INVALID)

    assert isinstance(error, RefusedError)
    assert (error.status, error.category, error.reason) == (
        400,
        "VALIDATION_ERROR",
        "validation_error",
    )
    assert error.sub_category == "propertyValidation.INVALID"
    assert error.errors == tuple(INVALID["errors"])
    assert error.correlation_id == CORRELATION
    for shown in ("INVALID_INTEGER", "cuereel_views", CORRELATION):
        assert shown in error.sentence


def test_a_conflict_keeps_its_category() -> None:
    """409: the record exists already."""
    body = {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 101"}

    assert refused(409, body).reason == "conflict"


def test_an_address_that_is_too_long_is_refused() -> None:
    """414 tells nothing of itself."""
    error = refused(414)

    assert isinstance(error, RefusedError)
    assert (error.reason, error.category, error.errors) == ("refused", "", ())


def test_values_of_people_are_not_quoted() -> None:
    """HubSpot's messages repeat what was refused; ours do not."""
    told = {**INVALID, "category": "ana@example.com", "correlationId": "ana@example.com"}
    error = refused(400, told)

    assert "ana@example.com" not in f"{error} {error!r} {error.sentence} {error.reason}"


@given(
    status=st.integers(100, 599),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["category", "errors", "context", "propertyName", "policyName"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    retry=st.text(max_size=8) | st.integers().map(str),
)
def test_whatever_comes_back_means_something(status: int, body: bytes, retry: str) -> None:
    """Every field may be absent or of another type; nothing makes us stumble."""
    error = refused(status, body, {"Retry-After": retry})

    assert error.sentence
    assert 0 <= (getattr(error, "after", None) or 0) <= 90_000
