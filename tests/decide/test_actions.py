"""Further calls to action: whom they are for, what they say, and where they lead."""

from __future__ import annotations

from typing import Any

import pytest

from connector.decide.campaigns import Campaign, parse_campaign
from connector.decide.checks import check_campaign
from connector.decide.delivery import actions
from connector.decide.dictionary import load_dictionary
from connector.decide.slots import Filled
from connector.errors import MappingError
from renderers.storyboard import SlotValue
from renderers.template import find_template

HEAD = """\
title = "Onboarding"
stage = "retention"
purpose = "video_service"
trigger = "contact_onboarding"
[[steps]]
template = "onboarding"
[call_to_action]
url = "https://example.com/book"
"""
ADVISOR = """\
[[actions]]
name = "help"
kind = "calendar"
text = "Plan a call with {{ contact.owner_name | default('us') }}"
url = "https://example.com/call?c={{ subject.id | urlencode }}"
scenes = ["plan", "steps"]
when = "contact.plan == 'enterprise'"
"""
COMMUNITY = """\
[[actions]]
name = "help"
kind = "group"
text = { from = "contact.community", otherwise = "Ask the community" }
url = { from = "contact.community_url", otherwise = "https://example.com/community" }
"""
CONTEXT = {"variant": "", "subject": {"kind": "contact", "id": "a/b c"}, "trigger": {}}
NOTHING_FILLED = Filled({})


def campaign(*entries: str) -> Campaign:
    """Read a campaign with further calls to action."""
    return parse_campaign(HEAD + "".join(entries), "onboarding")


def action(name: str, **keys: str) -> str:
    """Write one entry; *keys* are TOML, and stand in for the ordinary ones."""
    ordinary = {"text": '"Go"', "url": '"https://example.com/go"'}
    lines = [f"{key} = {value}\n" for key, value in (ordinary | keys).items()]
    return f'[[actions]]\nname = "{name}"\n{"".join(lines)}'


def taken(*entries: str, filled: Filled = NOTHING_FILLED, **fields: Any) -> list[dict[str, Any]]:
    """Work out the actions for a contact with these fields."""
    record = {f"contact.{name}": value for name, value in fields.items()}
    return actions(campaign(*entries), filled, record, CONTEXT)


def label(text: str, locale: str = "en", **fields: Any) -> str:
    """Return what an action with this text says."""
    record = {f"contact.{name}": value for name, value in fields.items()}
    found = actions(campaign(action("go", text=text)), NOTHING_FILLED, record, locale=locale)
    return found[0]["label"] if found else ""


def test_an_action_says_all_that_the_page_needs() -> None:
    """Its words and address are worked out for the one contact; values stay one part of it."""
    assert taken(ADVISOR, plan="enterprise", owner_name="SAM OKAFOR") == [
        {
            "key": "help",
            "kind": "calendar",
            "label": "Plan a call with Sam Okafor",
            "url": "https://example.com/call?c=a%2Fb%20c",
            "scenes": ["plan", "steps"],
        }
    ]


def test_the_first_alternative_for_the_audience_is_taken() -> None:
    """Others of the same name are for other people."""
    for plan, kind in (("enterprise", "calendar"), ("team", "group"), (None, "group")):
        assert [one["kind"] for one in taken(ADVISOR, COMMUNITY, plan=plan)] == [kind]
    assert taken(ADVISOR, plan="team") == []


def test_a_condition_knows_what_the_video_shows() -> None:
    """As a step's condition does."""
    entry = action("go", when="'slots.seats > 10'")
    few, many = (Filled({"seats": SlotValue(count, str(count))}) for count in (3, 30))
    assert taken(entry, filled=few) == []
    assert [one["key"] for one in taken(entry, filled=many)] == ["go"]


def test_a_condition_that_cannot_be_decided_does_not_hold() -> None:
    """No button is better than one for the wrong people."""
    assert taken(action("go", when="'contact.seats + 1 > 2'"), seats="many") == []


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://example.com", "https://user:pw@example.com/", "", None, 7],
)
def test_an_unusable_address_gives_way_to_the_campaigns_own(url: object) -> None:
    """Where it has none, the action is left out."""
    [found] = taken(COMMUNITY, community_url=url)
    assert found["url"] == "https://example.com/community"
    assert taken(action("go", url='{ from = "contact.community_url" }'), community_url=url) == []


@pytest.mark.parametrize("text", ["", "N/A", "NULL", "-", None, "x" * 2_001])
def test_an_action_without_words_is_left_out(text: object) -> None:
    """Junk of a record never becomes a button."""
    assert taken(action("go", text='{ from = "contact.community" }'), community=text) == []


def test_words_are_cleaned_and_written_in_the_videos_language() -> None:
    """As those of a slot are, and no more than a button holds."""
    assert label('{ from = "contact.owner_name" }', owner_name="SAM OKAFOR") == "Sam Okafor"
    saved = '{ from = "contact.saved", format = "money", currency = "EUR" }'
    assert label(saved, locale="de", saved="1200") == "1.200,00\xa0€"
    long = label('"{{ contact.plan }}"', plan="é" * 70)
    assert len(long) == 60
    assert long.endswith("…")


def test_a_video_has_at_most_six() -> None:
    """The first in the file; one that cannot be used takes no place."""
    entries = [action(f"a{number}") for number in range(8)]
    entries[1] = action("a1", text='{ from = "contact.community" }')
    assert [one["key"] for one in taken(*entries)] == ["a0", "a2", "a3", "a4", "a5", "a6"]


def test_every_word_of_an_action_is_read_from_the_crm() -> None:
    """In its text, its address and its condition."""
    assert campaign(ADVISOR, COMMUNITY).words() >= {
        "contact.owner_name",
        "contact.plan",
        "contact.community",
        "contact.community_url",
    }


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (action("main"), "line 10: actions.0.name: 'main' is the button of [call_to_action]"),
        (action("Call"), "line 10: actions.0.name: String should match pattern"),
        (action("a", url='"https://{{ contact.host }}/x"'), "line 12: actions.0.url"),
        (action("a", url='"http://example.com"'), "must begin with https:// and a host"),
        (action("a", kind='"popup"'), "line 13: actions.0.kind: Input should be 'link'"),
        (action("a", scene='"plan"'), "line 13: unknown word 'scene'; did you mean 'scenes'?"),
        (action("a", when='"contact.plan =="'), "line 13: actions.0.when"),
        (action("a", text='"{{ a * b }}"'), "line 11: actions.0.text.value: * is not allowed"),
        ('[[actions]]\nname = "a"\n', "line 9: 'text' is missing."),
    ],
)
def test_an_entry_that_cannot_be_read_is_named_by_its_line(entry: str, complaint: str) -> None:
    """The host is fixed by the campaign here too, and `main` is taken."""
    with pytest.raises(MappingError) as caught:
        campaign(entry)
    assert complaint in str(caught.value)


def findings(*entries: str, level: str = "error") -> list[str]:
    """Check a campaign with these entries against its template and the local CRM."""
    known = {"onboarding": find_template("onboarding")}
    found = check_campaign(campaign(*entries), known, load_dictionary("local", []))
    return [finding.sentence for finding in found if finding.level == level]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (action("a", scenes='"stepps"'),
         "onboarding.toml, line 13: the template has no scene 'stepps'; did you mean 'steps'?"),
        (action("a", text='"{{ contact.owner }}"'), "line 11: local has no word 'contact.owner'; did you"),
        (action("a", text='{ from = "contact.owner" }'), "line 11: local has no word 'contact.owner'; did"),
        (action("a", url='"https://example.com/{{ contact.pln }}"'),
         "line 12: local has no word 'contact.pln'; did you mean 'contact.plan'?"),
        (action("a", when='"contact.pln"'), "line 13: local has no word 'contact.pln'"),
        (action("a", when='"slots.plam"'), "line 13: there is no slot 'plam'; did you mean 'plan'?"),
        ("".join(action(f"a{number}") for number in range(7)),
         "line 34: a video has at most 6 further calls to action."),
    ],
)  # fmt: skip
def test_a_mistake_in_an_action_is_named_by_line(entry: str, complaint: str) -> None:
    """Each says where it is and what would have been right; there is no other."""
    [sentence] = findings(entry)
    assert complaint in sentence


def test_an_alternative_that_nobody_gets_is_a_warning() -> None:
    """One for everybody hides those below it."""
    assert findings(COMMUNITY, ADVISOR, level="warning") == [
        "onboarding.toml, line 15: it is never shown: 'help' stands above it without a `when`."
    ]
    assert findings(ADVISOR, action("help"), level="warning") == []
    assert findings(ADVISOR, action("help")) == []
