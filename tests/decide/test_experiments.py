"""Who is held out and who gets which variant."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.campaigns import load_campaigns
from connector.decide.experiments import HOLDOUT, Assignment, assign, assignment_of, unit_of
from connector.model import Record, Subject

HALVES = {"plain": 0.5, "discount": 0.5}


def test_the_bucket_is_the_published_formula() -> None:
    """The first 32 bits of a SHA-256, modulo 10,000: anybody can check an assignment."""
    expected = int(hashlib.sha256(b"salt:ana").hexdigest()[:8], 16) % 10_000
    assert assign("ana", "salt", 0, {}) == Assignment("", 1.0, expected)


def test_shares_come_out_as_written() -> None:
    """Of many contacts, each group gets its share to within a few per cent of it."""
    drawn = Counter(assign(f"contact-{n}", "s", 0.1, HALVES).variant for n in range(20_000))
    assert drawn[HOLDOUT] == pytest.approx(2_000, rel=0.1)
    assert drawn["plain"] == pytest.approx(9_000, rel=0.05)
    assert drawn["discount"] == pytest.approx(9_000, rel=0.05)


def test_every_probability_is_known() -> None:
    """What is stored beside an assignment adds up, so that effects can be weighed."""
    found = {
        a.variant: a.probability for n in range(99) for a in [assign(f"{n}", "s", 0.1, HALVES)]
    }
    assert found == {HOLDOUT: 0.1, "plain": 0.45, "discount": 0.45}


def test_two_campaigns_draw_independently() -> None:
    """Who is held out of one is not held out of all."""
    both = [
        (assign(f"{n}", "a", 0.5, {}).held_out, assign(f"{n}", "b", 0.5, {}).held_out)
        for n in range(2_000)
    ]
    assert sum(one and other for one, other in both) == pytest.approx(500, rel=0.15)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=20), st.text(max_size=10), st.floats(0, 0.9))
def test_an_assignment_is_always_the_same_and_always_one_that_exists(
    unit: str, salt: str, holdout: float
) -> None:
    """No memory is needed, and nobody falls between two shares."""
    thirds = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    found = assign(unit, salt, holdout, thirds)
    assert found == assign(unit, salt, holdout, thirds)
    assert found.variant in {HOLDOUT, *thirds}
    assert 0 <= found.bucket < 10_000


def test_the_unit_is_the_contact_or_else_the_subject() -> None:
    """A contact with two carts is one unit; a store without a contact is its own."""
    cart = Subject("cart", "c1")
    assert unit_of(Record(cart, "ana", {})) == "ana"
    assert unit_of(Record(cart, None, {})) == "cart:c1"


def test_a_campaign_without_experiment_holds_nobody_out() -> None:
    """The packaged campaigns send to everybody."""
    for campaign in load_campaigns([]).values():
        record = Record(Subject("contact", "ana"), "ana", {})
        assert assignment_of(campaign, record, "salt").variant == ""
