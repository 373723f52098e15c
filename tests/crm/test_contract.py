"""
What every CRM must do, whichever it is.

A new CRM adds its adapter to `conftest.py` and inherits all of this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import PayloadError, SignatureError, TemporaryError
from connector.model import Change, Consent, Delivery, Record, Subject, Written
from connector.store import Store, deliveries
from connector.store.tables import triggers
from tests.fakes.adapter import Adapter

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def store(place: tuple[str, str], request: pytest.FixtureRequest) -> Store:
    """A fresh store on the database of the place."""
    found = request.getfixturevalue(place[1])
    assert isinstance(found, Store)
    return found


def signed(adapter: Adapter, identity: str = "msg-1", occurred_at: datetime = EARLIER) -> Delivery:
    return adapter.delivery("101", at=NOW, occurred_at=occurred_at, identity=identity)


def ana(adapter: Adapter) -> Subject:
    return Subject("contact", adapter.id("101"))


def property_change(adapter: Adapter, name: str, number: int = 1, **values: object) -> Change:
    contact = adapter.id(name)
    return Change(f"change-{number}", "property", contact, contact, values)


def row_change(
    adapter: Adapter, kind: str, name: str, key: str, number: int, **values: object
) -> Change:
    return Change(f"change-{number}", kind, adapter.id(name), key, values)


# in


def test_a_signed_delivery_becomes_a_trigger(adapter: Adapter) -> None:
    """A delivery that is signed and fresh holds its trigger, with subject and time."""
    intake = adapter.crm.receive(signed(adapter))

    [trigger] = intake.triggers
    assert (
        trigger.kind,
        trigger.subject,
        trigger.occurred_at,
    ) == ("contact_onboarding", ana(adapter), EARLIER if adapter.signs else NOW)
    assert 200 <= intake.answer.status < 300


def test_every_secret_of_the_connection_is_accepted(adapter: Adapter) -> None:
    """While a secret is replaced, the old and the new one both prove a delivery."""
    for place in range(adapter.secret_count):
        assert adapter.crm.receive(adapter.signed_with(place, "101", NOW)).triggers


def test_another_connections_secret_proves_nothing(adapter: Adapter) -> None:
    """A delivery signed with somebody else's secret is refused."""
    with pytest.raises(SignatureError):
        adapter.crm.receive(adapter.signed_by_another("101", NOW))


def test_a_missing_or_cut_proof_is_refused(adapter: Adapter) -> None:
    """Without one of a delivery's proofs, or with half of it, nothing is accepted."""
    good = signed(adapter)
    for name in adapter.proofs:
        proof = adapter.proof(good, name)
        for value in (None, "", proof[:-3], proof + "x"):
            with pytest.raises(SignatureError):
                adapter.crm.receive(adapter.with_proof(good, name, value))


def test_each_flipped_byte_of_the_body_is_refused_or_only_points_elsewhere(
    adapter: Adapter,
) -> None:
    """A signed body must be whole; one that is not signed can name another record and nothing more."""
    good = signed(adapter)
    named = {trigger.kind for trigger in adapter.crm.receive(good).triggers}
    for place in range(len(good.body)):
        body = bytearray(good.body)
        body[place] ^= 1
        spoilt = dataclasses.replace(good, body=bytes(body))
        if adapter.signs:
            with pytest.raises(SignatureError):
                adapter.crm.receive(spoilt)
        else:
            assert_only_a_hint(adapter, spoilt, named)


def assert_only_a_hint(adapter: Adapter, delivery: Delivery, kinds: set[str]) -> None:
    try:
        intake = adapter.crm.receive(delivery)
    except (SignatureError, PayloadError):
        return
    for trigger in intake.triggers:
        assert trigger.kind in kinds
        assert trigger.facts == {}


def test_each_flipped_character_of_a_proof_is_refused(adapter: Adapter) -> None:
    """Whichever character of a proof is changed, nothing is accepted."""
    good = signed(adapter)
    for name in adapter.proofs:
        value = adapter.proof(good, name)
        # the last digit of a base64 text also holds bits that do not count, so it is left out
        for place in range(len(value.rstrip("=")) - 1):
            other = "A" if value[place] != "A" else "B"
            with pytest.raises(SignatureError):
                adapter.crm.receive(
                    adapter.with_proof(good, name, value[:place] + other + value[place + 1 :])
                )


@FEW
@given(
    proofs=st.lists(st.one_of(st.none(), st.text(max_size=60)), min_size=4, max_size=4),
    body=st.one_of(st.none(), st.binary(max_size=200)),
)
def test_no_proof_or_body_causes_another_error(
    adapter: Adapter, proofs: list[str | None], body: bytes | None
) -> None:
    """Whatever an unauthenticated caller sends, the answer is a refusal and never a crash."""
    delivery = signed(adapter)
    for name, value in zip(adapter.proofs, proofs, strict=False):
        delivery = adapter.with_proof(delivery, name, value)
    if body is not None:
        delivery = dataclasses.replace(delivery, body=body)

    with pytest.raises(SignatureError):
        adapter.crm.receive(delivery)


@pytest.mark.parametrize(("seconds", "accepted"), [(-301, 0), (-299, 1), (299, 1), (301, 0)])
def test_a_signed_delivery_is_fresh_for_five_minutes(
    adapter: Adapter, seconds: int, accepted: int
) -> None:
    """
    A right signature is refused when its time is over 300 s away, in either direction.

    Where nothing is signed there is no time to trust: such a CRM tries again for a day, and what it
    repeats is recognised.
    """
    good = signed(adapter)
    late = dataclasses.replace(good, received_at=NOW + timedelta(seconds=seconds))
    if accepted or not adapter.signs:
        assert len(adapter.crm.receive(late).triggers) == 1
    else:
        with pytest.raises(SignatureError):
            adapter.crm.receive(late)


def test_a_repeated_delivery_is_one_trigger(adapter: Adapter, store: Store) -> None:
    """The same delivery five times leaves one trigger."""
    taken = [take(adapter, store, signed(adapter)) for _ in range(5)]

    assert taken == [1, 0, 0, 0, 0]


def test_the_same_event_under_another_id_is_one_trigger(adapter: Adapter, store: Store) -> None:
    """An event that is told anew, in another delivery, is still a repeat."""
    taken = [
        take(adapter, store, adapter.told_again("101", at=NOW, occurred_at=EARLIER, number=n))
        for n in range(3)
    ]

    assert taken == [1, 0, 0]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_deliveries_may_come_in_any_order(
    adapter: Adapter, store: Store, order: tuple[int, ...]
) -> None:
    """Whatever the order of arrival, no trigger is lost, and each keeps a time that the CRM told."""
    times = [EARLIER + timedelta(minutes=n) for n in range(3)]
    for place in order:
        take(adapter, store, signed(adapter, f"msg-{place}", times[place]))

    assert (times if adapter.signs else [NOW] * 3) == sorted(stored_times(store))


def take(adapter: Adapter, store: Store, delivery: Delivery) -> int:
    intake = adapter.crm.receive(delivery)
    with store.write() as tx:
        taken = deliveries.take(tx, adapter.connection_id, intake, delivery.body)
    return len(taken.trigger_ids)


def stored_times(store: Store) -> list[datetime]:
    with store.read() as tx:
        rows = tx.execute(triggers.select()).all()
    return [datetime.fromtimestamp(row.occurred_at / 1000, UTC) for row in rows]


def test_a_signed_body_that_makes_no_sense_is_refused_as_such(adapter: Adapter) -> None:
    """What is signed but not understood is a payload error, which no retry will mend."""
    for body in (b"", b"[]", b"{", b'{"type":1}', b"\xff\xfe", b"[" * 50_000):
        with pytest.raises(PayloadError):
            adapter.crm.receive(adapter.signed_body(body, NOW))


# out


def test_only_the_words_asked_for_are_read(adapter: Adapter) -> None:
    """A record holds the words that were asked for, and nothing else of the person."""
    adapter.add_contact(
        "101", {"first_name": "Ana", "last_name": "Prieto", "email": "ana@example.com"}
    )

    record = adapter.crm.read([ana(adapter)], {"contact.first_name", "contact.diary"})[ana(adapter)]

    assert record.fields == {"contact.first_name": "Ana"}
    assert record.contact_id == adapter.id("101")


def test_a_subject_that_is_gone_is_absent(adapter: Adapter) -> None:
    """Reading a deleted contact among others answers for the others."""
    adapter.add_contact("101", {"first_name": "Ana"})
    adapter.add_contact("102", {"first_name": "Ben"})
    adapter.remove_contact("102")

    found = adapter.crm.read(
        [ana(adapter), Subject("contact", adapter.id("102"))], {"contact.first_name"}
    )

    assert list(found) == [ana(adapter)]


def test_consent_is_what_the_crm_says(adapter: Adapter) -> None:
    """An opt-out is a no, its opposite a yes where it can be one, silence is unknown."""
    adapter.add_contact("301", {"email_opt_out": True})
    adapter.add_contact("302", {"email_opt_out": False})
    adapter.add_contact("303", {"first_name": "Ana"})

    asked = [adapter.id(name) for name in ("301", "302", "303")]
    answers = adapter.crm.consent(asked)

    opposite = Consent.GRANTED if adapter.hears_yes else Consent.UNKNOWN
    assert [answers[one] for one in asked] == [Consent.DENIED, opposite, Consent.UNKNOWN]


def test_consent_that_cannot_be_read_is_said_to_be_so(adapter: Adapter) -> None:
    """An answer that cannot be understood is neither yes nor unknown."""
    adapter.add_contact("101", {"first_name": "Ana"})
    adapter.spoil_consent("101")

    ana_id = adapter.id("101")
    assert dict(adapter.crm.consent([ana_id])) == {ana_id: Consent.UNREADABLE}


# back


def test_what_is_written_stands_on_the_record(adapter: Adapter) -> None:
    """Values by our words arrive in our fields, and an empty value empties its field."""
    adapter.crm.install()
    adapter.add_contact("101", {"first_name": "Ana"})

    first = adapter.crm.write([property_change(adapter, "101", video_url="https://v/1", views=2)])
    second = adapter.crm.write([property_change(adapter, "101", views=None, video_status="ready")])

    assert [first[0].written, second[0].written] == [Written.DONE, Written.DONE]
    assert adapter.written("101") == {"video_url": "https://v/1", "video_status": "ready"}


def test_writing_the_same_twice_leaves_the_same(adapter: Adapter) -> None:
    """A write whose answer was lost may be repeated."""
    adapter.add_contact("101", {"first_name": "Ana"})
    adapter.crm.install()
    changes = [property_change(adapter, "101", 1, views=2)]
    if adapter.has_rows:
        changes += [
            row_change(adapter, "video_row", "101", "video-1", 2, video_status="ready"),
            row_change(adapter, "view_row", "101", "session-1", 3, percent_watched=40),
        ]

    results = [adapter.crm.write(changes) for _ in range(2)]

    assert {Written.DONE} == {result.written for batch in results for result in batch}
    assert adapter.written("101") == {"views": 2}
    if adapter.has_rows:
        assert adapter.rows("101") == {
            "video-1": {"video_status": "ready"},
            "session-1": {"percent_watched": 40},
        }


def test_rows_are_kept_or_said_to_have_no_place(adapter: Adapter) -> None:
    """A CRM without a second layer says so for each row, which is no failure."""
    adapter.crm.install()
    adapter.add_contact("101", {"first_name": "Ana"})
    [result] = adapter.crm.write(
        [row_change(adapter, "video_row", "101", "video-1", 1, video_status="x")]
    )

    assert result.written == (Written.DONE if adapter.has_rows else Written.UNSUPPORTED)


def test_one_contact_that_is_gone_does_not_stop_the_others(adapter: Adapter) -> None:
    """Of a batch with one deleted contact, all others are written, each with its own result."""
    adapter.crm.install()
    for number in range(5):
        adapter.add_contact(f"20{number}", {"first_name": "Ana"})
    adapter.remove_contact("202")

    results = adapter.crm.write([property_change(adapter, f"20{n}", n, views=n) for n in range(5)])

    assert [f"change-{n}" for n in range(5)] == [result.change_id for result in results]
    assert [Written.GONE if n == 2 else Written.DONE for n in range(5)] == [
        result.written for result in results
    ]
    assert adapter.written("204") == {"views": 4}
    assert adapter.written("202") == {}


def test_a_crm_that_is_busy_is_asked_again_later(adapter: Adapter) -> None:
    """A busy CRM loses nothing: each change is to be tried again, and when."""
    adapter.crm.install()
    adapter.add_contact("101", {"first_name": "Ana"})
    with adapter.busy():
        [result] = adapter.crm.write([property_change(adapter, "101", views=1)])

    assert result.written == Written.RETRY
    assert result.after is not None
    assert result.after > 0
    assert adapter.written("101") == {}
    assert adapter.crm.write([property_change(adapter, "101", views=1)])[0].written == Written.DONE


def test_a_kind_of_change_that_the_crm_lacks_is_called_unsupported(adapter: Adapter) -> None:
    """What has no place in this CRM is said to be so, and blocks nothing."""
    adapter.crm.install()
    adapter.add_contact("101", {"first_name": "Ana"})

    results = adapter.crm.write(
        [row_change(adapter, "fax", "101", "k", 1), property_change(adapter, "101", 2, views=1)]
    )

    assert [result.written for result in results] == [Written.UNSUPPORTED, Written.DONE]
    assert results[0].sentence


def test_our_own_writes_are_not_something_that_happened(adapter: Adapter) -> None:
    """After a write-back there is no change to react to."""
    adapter.crm.install()
    adapter.add_contact("101", {"first_name": "Ana"})
    since = datetime(2026, 1, 1, tzinfo=UTC)
    before = list(adapter.crm.changed(since))
    adapter.crm.write([property_change(adapter, "101", views=1)])

    assert list(adapter.crm.changed(since)) == before


def test_erasing_empties_our_fields_and_rows_only(adapter: Adapter) -> None:
    """After an erasure nothing of ours is left of one contact, and the CRM's own data stays."""
    adapter.crm.install()
    for contact in ("101", "102"):
        adapter.add_contact(contact, {"first_name": "Ana"})
        adapter.crm.write(
            [
                property_change(adapter, contact, 1, video_url="https://v/1", views=3),
                row_change(
                    adapter, "video_row", contact, f"video-{contact}", 2, video_status="ready"
                ),
            ]
        )

    for name in ("101", "101", "999"):
        adapter.crm.erase(adapter.id(name))

    assert (adapter.written("101"), adapter.rows("101")) == ({}, {})
    assert adapter.written("102")["views"] == 3
    assert (
        adapter.crm.read([ana(adapter)], {"contact.first_name"})[ana(adapter)].fields[
            "contact.first_name"
        ]
        == "Ana"
    )


def test_installing_twice_changes_nothing(adapter: Adapter) -> None:
    """The first install makes our fields by priority; the second finds all of them."""
    first, second = adapter.crm.install(), adapter.crm.install()

    assert len(first.made) == 22
    assert adapter.video_url_field in first.made[0]
    assert ((), first.made) == (second.made, second.present)


def test_a_check_says_what_an_install_mends(adapter: Adapter) -> None:
    """Before the install the check has an error, after it none."""
    before = [finding.level for finding in adapter.crm.check()]
    adapter.crm.install()
    after = [finding.level for finding in adapter.crm.check()]

    assert "error" in before
    assert "error" not in after


def test_members_of_a_segment_are_contact_ids(adapter: Adapter) -> None:
    """A segment yields ids of contacts, each once."""
    adapter.add_contact("101", {"plan": "team"})
    adapter.add_contact("102", {"plan": "starter"})

    assert sorted(adapter.crm.members("all")) == sorted([adapter.id("101"), adapter.id("102")])
    assert list(adapter.crm.members("plan=team")) == [adapter.id("101")]


def test_errors_say_whether_to_try_again(adapter: Adapter) -> None:
    """A read from a CRM that does not answer raises a temporary error or waits, never a wrong answer."""
    adapter.add_contact("101", {"first_name": "Ana"})
    with adapter.busy():
        found = patiently(lambda: adapter.crm.read([ana(adapter)], {"contact.first_name"}))

    assert found is None or found[ana(adapter)].fields["contact.first_name"] == "Ana"


def patiently(read: Callable[[], Mapping[Subject, Record]]) -> Mapping[Subject, Record] | None:
    """Return what was read, or None where it is worth trying again."""
    try:
        return read()
    except TemporaryError:
        return None
