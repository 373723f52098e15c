"""Reading carts and accounts with the people around them, segments, and outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from connector.crm.local.editing import delete_record, put_record
from connector.errors import PayloadError
from connector.model import Change, Record, Subject, Written
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, record_rows, records
from tests.fakes.local import LocalAdapter

WORDS = {"contact.first_name", "company.name", "cart.total", "cart.items", "account.name"}


@pytest.fixture
def local(store: Store, settings: Settings, keyring: Keyring) -> Iterator[LocalAdapter]:
    """The local CRM with one family of records."""
    made = LocalAdapter(store, settings, keyring)
    put(made, "company", "co-1", {"name": "Prieto & Hijas", "secret": "x"})
    put(made, "company", "co-2", {"name": "Holding"})
    put(made, "contact", "c-1", {"first_name": "Ana", "company_id": "co-1"})
    put(made, "cart", "k-1", {"contact_id": "c-1", "total": 12.5, "items": [{"title": "Shoe"}]})
    put(made, "account", "a-1", {"contact_id": "c-1", "company_id": "co-2", "name": "Main"})
    put(made, "cart", "k-2", {"contact_id": "nobody", "total": 1})
    yield made
    made.close()


def put(local: LocalAdapter, kind: str, record_id: str, fields: dict[str, Any]) -> None:
    with local.store.write() as tx:
        records.put(tx, "local", kind, record_id, fields)


def test_a_cart_brings_its_contact_and_their_company(local: LocalAdapter) -> None:
    """The viewer of a cart's video is its contact; the company is the contact's."""
    cart = Subject("cart", "k-1")

    assert local.crm.read([cart], WORDS)[cart] == Record(
        cart,
        "c-1",
        {
            "contact.first_name": "Ana",
            "company.name": "Prieto & Hijas",
            "cart.total": 12.5,
            "cart.items": [{"title": "Shoe"}],
        },
    )


def test_an_accounts_own_company_comes_first(local: LocalAdapter) -> None:
    """An account that names a company does not borrow its contact's."""
    account = Subject("account", "a-1")

    assert local.crm.read([account], WORDS)[account].fields["company.name"] == "Holding"


def test_a_cart_whose_contact_is_gone_has_no_viewer(local: LocalAdapter) -> None:
    """The cart can still be read, but nobody is to watch."""
    cart = Subject("cart", "k-2")

    assert local.crm.read([cart], WORDS)[cart] == Record(cart, None, {"cart.total": 1})


def test_a_hundred_subjects_are_read_in_a_few_queries(local: LocalAdapter) -> None:
    """Reading does not grow by a query per record."""
    carts = {f"n-{number}": {"contact_id": "c-1", "total": number} for number in range(100)}
    with local.store.write() as tx:
        records.put_many(tx, "local", "cart", carts)
    statements: list[str] = []
    event.listen(
        local.store.engine, "before_cursor_execute", lambda *call: statements.append(call[2])
    )
    found = local.crm.read([Subject("cart", f"n-{n}") for n in range(100)], WORDS)

    assert len(found) == 100
    assert sum("FROM records" in statement for statement in statements) <= 4


def test_consent_of_imported_text_is_understood(local: LocalAdapter) -> None:
    """`Yes`, `no` and `1` of a spreadsheet mean what they say; anything else is no answer."""
    answers = {
        "yes": "denied",
        "No": "granted",
        "1": "denied",
        "": "unknown",
        "maybe": "unreadable",
    }
    for number, text in enumerate(answers):
        put(local, "contact", f"p-{number}", {"email_opt_out": text})

    told = local.crm.consent([f"p-{number}" for number in range(len(answers))])
    assert list(answers.values()) == [told[f"p-{number}"] for number in range(len(answers))]


def test_a_segment_that_says_nothing_is_refused(local: LocalAdapter) -> None:
    """A segment is `all` or `field=value`."""
    with pytest.raises(PayloadError):
        list(local.crm.members("everybody"))
    assert list(local.crm.members("plan=none")) == []


def test_outcomes_are_deals_and_the_like(local: LocalAdapter) -> None:
    """A deal gives amount, stage and contact, once per stage; broken values stay unknown."""
    put(
        local,
        "deal",
        "d-1",
        {"stage": "won", "amount": "1200.5", "currency": "EUR", "contact_id": "c-1",
         "occurred_at": "2026-11-01T10:00:00+01:00"},
    )  # fmt: skip
    put(local, "ticket", "t-1", {"status": "open", "amount": "much", "currency": "€€€€"})
    found = {one.kind: one for one in local.crm.outcomes(datetime(2026, 1, 1, tzinfo=UTC))}

    deal, ticket = found["deal"], found["ticket"]
    assert (deal.key, deal.amount, deal.currency) == ("deal:d-1:won", 1200.5, "EUR")
    assert deal.occurred_at == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert (ticket.amount, ticket.currency, ticket.contact_id) == (None, None, None)
    assert list(local.crm.outcomes(datetime.now(UTC) + timedelta(days=1))) == []


def test_an_oversized_value_is_refused_alone(local: LocalAdapter) -> None:
    """A value that no field can hold is refused for good; its neighbours are written."""
    results = local.crm.write(
        [
            Change("1", "property", "c-1", "c-1", {"video_status_reason": "x" * 70_000}),
            Change("2", "property", "c-1", "c-1", {"video_status": "ready"}),
            Change("3", "property", "c-1", "c-1", {"no_such_word": 1}),
        ]
    )

    assert [r.written for r in results] == [Written.REFUSED, Written.DONE, Written.UNSUPPORTED]
    assert local.written("c-1") == {"video_status": "ready"}


def test_what_people_change_is_announced_and_found_again(local: LocalAdapter) -> None:
    """An edit and a deletion are owed as events, and `changed` tells of them too."""
    with local.store.write() as tx:
        put_record(tx, "local", Subject("contact", "c-1"), {"first_name": "Anna"})
        put_record(tx, "local", Subject("contact", "c-1"), {"first_name": "Anna"})
        record_rows.put(tx, "local", kind="video", key="v", contact_id="c-1", values={})
        delete_record(tx, "local", Subject("contact", "c-1"))

    told = list(local.crm.changed(datetime(2026, 1, 1, tzinfo=UTC)))
    assert [trigger.kind for trigger in told] == ["record_changed", "contact_deleted"]
    assert list(local.crm.changed(datetime.now(UTC) + timedelta(days=1))) == []
    assert local.rows("c-1") == {}


def test_our_fields_and_kinds_are_not_for_others(local: LocalAdapter) -> None:
    """Nobody else may write what begins with our prefix."""
    for subject, fields in (
        (Subject("contact", "c-1"), {"cuereel_views": 7}),
        (Subject("cuereel_field", "x"), {"label": "x"}),
    ):
        with pytest.raises(PayloadError), local.store.write() as tx:
            put_record(tx, "local", subject, fields)
