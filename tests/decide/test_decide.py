"""In which order the gates stand, and what an admin reads when one refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.decide import (
    REASONS,
    Filled,
    History,
    Send,
    SubjectState,
    decide,
    names_for,
    refused,
)
from connector.decide.campaigns import Campaign, parse_campaign
from connector.decide.experiments import HOLDOUT, Assignment
from connector.decide.slots import Problem
from connector.model import Consent, Decision, Outcome, Record, Subject, Trigger
from renderers.storyboard import SlotValue

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
CART = Subject("cart", "c1")
TRIGGER = Trigger("t1", "cart_abandoned", CART, NOW, {"place": "Berlin"})
RECORD = Record(CART, "ana", {"contact.first_name": "ANA", "cart.total": "12.50"})
FILLED = Filled({"total": SlotValue(12.5, "€12.50")})
TEXT = """\
title = "Cart"
stage = "acquisition"
purpose = "{purpose}"
trigger = "cart_abandoned"
[[steps]]
template = "abandoned_cart"
{when}
[limits]
{limits}
[experiment]
{experiment}
"""


def campaign(
    limits: str = "", when: str = "", experiment: str = "", purpose: str = "video_service"
) -> Campaign:
    """Read a campaign with some lines in it."""
    text = TEXT.format(limits=limits, when=when, experiment=experiment, purpose=purpose)
    return parse_campaign(text, "cart")


def decision(of: Campaign | None = None, step: int = 0, **changed: Any) -> Decision:
    """Decide on a case in which nothing stands in the way, except for what is changed."""
    case: dict[str, Any] = {
        "trigger": TRIGGER,
        "record": RECORD,
        "consent": Consent.GRANTED,
        "state": SubjectState(),
        "history": History(),
        "filled": FILLED,
        "unit_salt": "salt",
        "now": NOW,
    }
    return decide(of or campaign(), step, **{**case, **changed})


def sent(days_ago: float, **changed: Any) -> Send:
    """Make a video that Ana got some days ago."""
    one = Send("cart", CART, NOW - timedelta(days=days_ago), "earlier", "video_service")
    return replace(one, **changed)


def test_nothing_in_the_way_sends() -> None:
    """The sentence names the contact as a person would."""
    assert decision() == Decision(Outcome.SEND, "ok", "A video is made for Ana.")


@pytest.mark.parametrize(
    ("changed", "reason", "sentence"),
    [
        ({"state": SubjectState(erased=True)}, "erased", "Not sent: this contact was erased."),
        ({"state": SubjectState(suppressed_reason="competitor")}, "suppressed",
         "Not sent: Ana is on the suppression list (competitor)."),
        ({"state": SubjectState(suppressed_reason="")}, "suppressed",
         "Not sent: Ana is on the suppression list."),
        ({"state": SubjectState(opted_out=True)}, "opted_out",
         "Not sent: Ana opted out of personal videos."),
        ({"record": None}, "subject_gone", "Not sent: the record no longer exists in the CRM."),
        ({"record": replace(RECORD, contact_id=None)}, "no_viewer",
         "Not sent: no contact belongs to cart c1."),
        ({"consent": Consent.DENIED}, "consent_denied",
         "Not sent: Ana has not agreed to this, says the CRM."),
        ({"consent": Consent.UNREADABLE}, "consent_unreadable",
         "Not sent: the CRM's consent for Ana could not be read."),
        ({"step": 3}, "step_gone", "Not sent: the campaign has no step 4 any more."),
    ],
)  # fmt: skip
def test_each_gate_says_why(changed: dict[str, Any], reason: str, sentence: str) -> None:
    """A refusal is a code and one plain sentence."""
    found = decision(**changed)
    assert (found.reason, found.sentence) == (reason, sentence)
    assert found.outcome is REASONS[reason][0]


@pytest.mark.parametrize(
    ("purpose", "limits", "sends"),
    [
        ("video_service", "", True),
        ("video_service", 'consent = "explicit"', False),
        ("video_marketing", "", False),
        ("video_marketing", 'consent = "implied"', True),
        ("video_marketing", 'consent = "explicit"', False),
    ],
)
def test_unknown_consent_is_enough_for_service_only(purpose: str, limits: str, sends: bool) -> None:
    """Marketing needs a yes, unless its campaign says that no objection is enough."""
    found = decision(campaign(limits, purpose=purpose), consent=Consent.UNKNOWN)
    assert (found.outcome is Outcome.SEND) is sends
    assert sends or found.reason == "consent_unknown"


@pytest.mark.parametrize("consent", [Consent.DENIED, Consent.UNREADABLE])
def test_no_campaign_can_overrule_a_no(consent: Consent) -> None:
    """Neither implied consent nor a service purpose sends to who said no, or may have."""
    for purpose in ("video_service", "video_marketing"):
        found = decision(campaign('consent = "implied"', purpose=purpose), consent=consent)
        assert found.outcome is Outcome.BLOCKED_CONSENT


def test_a_campaign_repeats_only_after_its_time() -> None:
    """The sentence says when the last one was, and what the rule is."""
    rule = campaign('repeat = "30 days"')
    found = decision(rule, history=History((sent(17),)))
    assert found.outcome is Outcome.BLOCKED_REPEAT
    assert found.sentence == (
        "Not sent: Ana already got this campaign on 3 March; it repeats after 30 days."
    )
    assert decision(rule, history=History((sent(30),))).outcome is Outcome.SEND


@pytest.mark.parametrize(
    "other",
    [{"campaign": "onboarding"}, {"subject": Subject("cart", "c2")}, {"key": TRIGGER.key}],
)
def test_another_campaign_subject_or_step_is_no_repeat(other: dict[str, Any]) -> None:
    """A second cart may get its own reminder, and a journey its second step."""
    history = History((sent(1, **other),))
    assert decision(campaign('repeat = "30 days"'), history=history).outcome is Outcome.SEND


def test_a_contact_gets_no_more_than_the_limit_in_any_window() -> None:
    """The window rolls: it is counted back from now."""
    rule = campaign('per_contact = "2 per 7 days"')
    full = History((sent(1, campaign="other"), sent(6.9)))
    found = decision(rule, history=full)
    assert found.outcome is Outcome.BLOCKED_CAP
    assert found.sentence == (
        "Not sent: Ana already got 2 videos, the last on 19 March; the limit is 2 per 7 days."
    )
    assert decision(rule, history=History((sent(1), sent(7)))).outcome is Outcome.SEND


def test_every_limit_counts() -> None:
    """A list of limits is kept as a whole."""
    rule = campaign('per_contact = ["1 per day", "2 per 30 days"]')
    assert decision(rule, history=History((sent(2), sent(3)))).reason == "cap_reached"
    assert decision(rule, history=History((sent(2),))).reason == "ok"


def test_service_videos_do_not_use_up_what_marketing_may_send() -> None:
    """Only videos of the same purpose count; one of unknown purpose counts to be safe."""
    rule = campaign('per_contact = "1 per 7 days"\nconsent = "implied"', purpose="video_marketing")
    assert decision(rule, history=History((sent(1),))).outcome is Outcome.SEND
    unknown = History((sent(1, purpose=""),))
    assert decision(rule, history=unknown).outcome is Outcome.BLOCKED_CAP


def test_a_video_of_another_year_is_dated_with_it() -> None:
    """Nobody has to guess which December."""
    found = decision(campaign('repeat = "26 weeks"'), history=History((sent(100),)))
    assert "on 10 December 2025;" in found.sentence


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("cart.total > 12", "ok"),
        ("cart.total > 13", "condition_false"),
        ("slots.total == 12.5", "ok"),
        ("slots.gift", "condition_false"),
        ("trigger.place == 'Berlin' and subject.id == 'c1' and variant == ''", "ok"),
        ("company.size > 3", "condition_false"),
        ("cart.total > [1]", "condition_invalid"),
    ],
)
def test_a_step_goes_out_only_when_its_condition_holds(when: str, reason: str) -> None:
    """Conditions see the record, the slots, the trigger and the variant."""
    found = decision(campaign(when=f'when = "{when}"'))
    assert found.reason == reason
    if reason == "condition_false":
        assert found.sentence == f"Not sent: it only goes out when {when}."


def test_slots_that_cannot_be_filled_stop_the_video() -> None:
    """All of them are named; the first one gives the reason."""
    problems = (
        Problem("total", "currency_missing", "slot 'total' is 3, but of which currency"),
        Problem("items", "slot_missing", "slot 'items' has no usable value"),
    )
    found = decision(filled=Filled({}, (), problems))
    assert found.outcome is Outcome.BLOCKED_VALIDATION
    assert found.reason == "currency_missing"
    assert "'total'" in found.sentence
    assert "'items'" in found.sentence


@pytest.mark.parametrize(
    ("hour", "zone", "until"),
    [
        (21, "UTC", datetime(2026, 3, 21, 8, tzinfo=UTC)),
        (7, "UTC", datetime(2026, 3, 20, 8, tzinfo=UTC)),
        (8, "UTC", None),
        (12, "UTC", None),
        (19, "Europe/Madrid", datetime(2026, 3, 21, 7, tzinfo=UTC)),
        (12, "Asia/Tokyo", datetime(2026, 3, 20, 23, tzinfo=UTC)),
        (21, "Mars/Olympus", datetime(2026, 3, 21, 8, tzinfo=UTC)),
        (21, "../etc/passwd", datetime(2026, 3, 21, 8, tzinfo=UTC)),
        (21, None, datetime(2026, 3, 21, 8, tzinfo=UTC)),
    ],
)
def test_nothing_is_sent_in_the_contacts_quiet_hours(
    hour: int, zone: str | None, until: datetime | None
) -> None:
    """The contact's own clock counts; the video waits for its morning."""
    rule = campaign('quiet = "20:00-08:00"')
    record = replace(RECORD, fields={**RECORD.fields, "contact.time_zone": zone})
    found = decision(rule, record=record, now=NOW.replace(hour=hour))
    assert found.retry_at == until
    assert found.outcome is (Outcome.DELAYED if until else Outcome.SEND)
    if until:
        assert "Waits until 08:00" in found.sentence


def test_quiet_hours_end_by_the_clock_also_when_it_changes() -> None:
    """On the night when clocks go forward, 08:00 is an hour sooner."""
    record = replace(RECORD, fields={"contact.time_zone": "Europe/Madrid"})
    late = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    found = decision(campaign('quiet = "20:00-08:00"'), record=record, now=late)
    assert found.retry_at == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


def test_a_holdout_gets_nothing() -> None:
    """A stored assignment wins over a new draw."""
    rule = campaign(experiment="holdout = 0.1")
    found = decision(rule, assignment=Assignment(HOLDOUT, 0.1, 5))
    assert found.outcome is Outcome.HOLDOUT
    assert "10% get no video" in found.sentence
    assert decision(rule, assignment=Assignment("", 0.9, 5)).outcome is Outcome.SEND


def test_the_most_binding_gate_speaks_first() -> None:
    """With everything against it, the gates give their reasons in one fixed order."""
    rule = campaign(
        'per_contact = "1 per 7 days"\nrepeat = "30 days"\nquiet = "20:00-08:00"',
        when='when = "cart.total > 99"',
        experiment="holdout = 0.1",
    )
    against: list[tuple[str, str, Any, Any]] = [
        (
            "erased",
            "state",
            SubjectState(erased=True, opted_out=True),
            SubjectState(opted_out=True),
        ),
        ("opted_out", "state", None, SubjectState()),
        ("no_viewer", "record", replace(RECORD, contact_id=None), RECORD),
        ("consent_denied", "consent", Consent.DENIED, Consent.GRANTED),
        ("holdout", "assignment", Assignment(HOLDOUT, 0.1, 5), Assignment("", 0.9, 5)),
        ("cap_reached", "history", History((sent(1),)), History((sent(8),))),
        ("repeated", "history", None, History()),
    ]
    worst: dict[str, Any] = {name: bad for _, name, bad, _ in reversed(against) if bad is not None}
    worst |= {
        "filled": Filled({}, (), (Problem("x", "slot_missing", "slot 'x'"),)),
        "now": NOW.replace(hour=22),
    }
    seen = []
    for reason, name, _, good in against:
        seen.append((reason, decision(rule, **worst).reason))
        worst[name] = good
    assert [one for one, _ in seen] == [other for _, other in seen]
    assert decision(rule, **worst).reason == "condition_false"
    rule = campaign('quiet = "20:00-08:00"')
    assert decision(rule, **worst).reason == "slot_missing"
    assert decision(rule, **{**worst, "filled": FILLED}).reason == "quiet_hours"


def test_a_nameless_contact_is_still_a_sentence() -> None:
    """Junk in the name does not reach the reason, nor does a name without end."""
    junk = replace(RECORD, fields={"contact.first_name": "NULL"})
    assert decision(record=junk).sentence == "A video is made for this contact."
    endless = replace(RECORD, fields={"contact.first_name": "x" * 9_000})
    assert len(decision(record=endless).sentence) < 80


def test_every_reason_leads_to_one_outcome() -> None:
    """The table of reasons is what decisions are made from."""
    for reason, (outcome, meaning) in REASONS.items():
        assert refused(reason, "x").outcome is outcome
        assert meaning.endswith(".")


def test_expressions_see_what_came_with_the_trigger() -> None:
    """The same names serve slots, conditions and addresses."""
    assert names_for(TRIGGER, Assignment("plain", 0.5, 1)) == {
        "variant": "plain",
        "subject": {"kind": "cart", "id": "c1"},
        "trigger": {"place": "Berlin", "kind": "cart_abandoned"},
    }
