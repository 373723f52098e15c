"""What the local CRM's events mean: fixture in, triggers out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connector.crm.local.triggers import LARGEST_BODY, read_events
from connector.errors import PayloadError, SignatureError
from connector.model import Delivery, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.fakes.local import LocalAdapter

FIXTURES = Path(__file__).parents[2] / "fixtures" / "local"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind", "subject", "occurred_at", "facts"),
    [
        (
            "contact.onboarding",
            "contact_onboarding",
            Subject("contact", "c-001"),
            datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            {"plan": "team"},
        ),
        (
            "cart.abandoned",
            "cart_abandoned",
            Subject("cart", "cart-77"),
            datetime(2026, 11, 20, 17, 5, 12, 250_000, tzinfo=UTC),
            {"total": 129.5, "currency": "EUR", "contact_id": "c-001"},
        ),
        (
            "account.review_due",
            "account_review_due",
            Subject("account", "acc-9"),
            datetime(2026, 11, 20, 6, 0, tzinfo=UTC),
            {},
        ),
        (
            "contact.deleted",
            "contact_deleted",
            Subject("contact", "c-001"),
            datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
            {},
        ),
        (
            "record.changed",
            "record_changed",
            Subject("contact", "c-001"),
            datetime(2026, 11, 20, 9, 31, tzinfo=UTC),
            {"fields": ["plan"], "contact_id": "c-001"},
        ),
    ],
)
def test_each_event_becomes_its_trigger(
    name: str, kind: str, subject: Subject, occurred_at: datetime, facts: dict[str, object]
) -> None:
    """Kind, subject, time in UTC and facts are read from the payload as it is posted."""
    [trigger] = read_events((FIXTURES / f"{name}.json").read_bytes(), NOW)

    assert (trigger.kind, trigger.subject, trigger.occurred_at) == (kind, subject, occurred_at)
    assert dict(trigger.facts) == facts


def test_a_write_of_ours_is_not_something_that_happened() -> None:
    """A change that touches only fields of ours triggers nothing."""
    body = (FIXTURES / "record.changed__own_fields.json").read_bytes()

    assert read_events(body, NOW) == ()


def test_a_batch_holds_each_event_once() -> None:
    """A batch is read in order, a repeated event once, and an unknown type makes its own kind."""
    first, second = read_events((FIXTURES / "batch.json").read_bytes(), NOW)

    assert first.subject == Subject("cart", "cart-1")
    assert second.kind == "subscription_trial_ending"
    assert second.subject == Subject("subscription", "4711")
    assert second.occurred_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_the_key_is_the_same_moment_in_any_time_zone() -> None:
    """An event that says its time in another zone is recognised as the same."""
    texts = ("2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00.000")
    keys = {
        read_events(b'{"type":"a.b","contact_id":"7","occurred_at":"' + text.encode() + b'"}', NOW)[
            0
        ].key
        for text in texts
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"type":"onboarding","occurred_at":"2026-11-20T10:00:00Z","contact_id":"1"}',
        b'{"type":"Contact.Onboarding","occurred_at":"2026-11-20T10:00:00Z","contact_id":"1"}',
        b'{"type":"a.b","contact_id":"1"}',
        b'{"type":"a.b","occurred_at":"soon","contact_id":"1"}',
        b'{"type":"a.b","occurred_at":"2026-11-21T12:00:01Z","contact_id":"1"}',
        b'{"type":"a.b","occurred_at":"0001-01-01T00:00:00+14:00","contact_id":"1"}',
        b'{"type":"a.b","occurred_at":"9999-12-31T23:59:59-14:00","contact_id":"1"}',
        b'{"type":"a.b","occurred_at":1e300,"contact_id":"1"}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z"}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","contact_id":""}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","contact_id":true}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","contact_id":"' + b"x" * 201 + b'"}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","object":{"kind":"A","id":"1"}}',
        b'{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","contact_id":"1","facts":[]}',
        b'{"events":{}}',
        b'{"events":[1]}',
        b'{"events":[' + b"{}," * 500 + b"{}]}",
    ],
)
def test_an_event_that_cannot_be_used_is_refused(body: bytes) -> None:
    """A wrong type, a missing or future time, no subject: refused with a sentence."""
    with pytest.raises(PayloadError):
        read_events(body, NOW)


def test_a_mistake_in_a_batch_is_named_by_its_place() -> None:
    """The sentence says which event is meant."""
    body = (
        b'{"events":[{"type":"a.b","occurred_at":"2026-11-20T10:00:00Z","contact_id":"1"},'
        b'{"type":"a.b","occurred_at":"never","contact_id":"1"}]}'
    )
    with pytest.raises(PayloadError, match=r"event 2: occurred_at"):
        read_events(body, NOW)


def test_a_body_over_a_megabyte_is_refused(adapter_sqlite: LocalAdapter) -> None:
    """Even signed, a delivery may not be endless."""
    with pytest.raises(PayloadError) as caught:
        adapter_sqlite.crm.receive(adapter_sqlite.signed_body(b"x" * (LARGEST_BODY + 1), NOW))

    assert caught.value.reason == "too_large"


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.one_of(
            st.text(max_size=50),
            st.binary(max_size=50).map(lambda raw: raw.decode("latin-1")),
            st.sampled_from(["v1", "v1,", "v1,  ,", "v1,====", ",", " ", "v1," + "A" * 10_000]),
            st.integers().map(str),
        ),
    ),
    body=st.binary(max_size=300),
)
def test_whatever_knocks_is_refused(
    adapter_sqlite: LocalAdapter, headers: dict[str, str], body: bytes
) -> None:
    """Malformed headers of every sort end in the one refusal."""
    delivery = Delivery("local", "POST", "/hooks/local/local", headers, body, NOW)
    with pytest.raises(SignatureError):
        adapter_sqlite.crm.receive(delivery)


@pytest.fixture
def adapter_sqlite(
    sqlite_store: Store, settings: Settings, keyring: Keyring
) -> Iterator[LocalAdapter]:
    """The local CRM where the database makes no difference."""
    made = LocalAdapter(sqlite_store, settings, keyring)
    yield made
    made.close()
