"""That docs/campaigns.md tells what the code does."""

import re
from pathlib import Path

import pytest

from connector.decide import REASONS
from connector.decide.campaigns import parse_campaign
from connector.decide.checks import check_campaign
from connector.decide.dictionary import load_dictionary
from connector.decide.expressions import FILTERS
from connector.decide.schema import (
    Action,
    CallToAction,
    Deliver,
    Experiment,
    Limits,
    Source,
    Words,
)
from renderers.template import find_template

DOCS = Path(__file__).parents[2] / "docs" / "campaigns.md"


@pytest.fixture(scope="module")
def page() -> str:
    """The page as it is published."""
    return DOCS.read_text(encoding="utf-8")


def test_every_reason_is_listed_with_its_meaning(page: str) -> None:
    """The table is exactly that of the code."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)
    expected = {reason: (str(outcome), meaning) for reason, (outcome, meaning) in REASONS.items()}
    assert {reason: (outcome, meaning) for reason, outcome, meaning in rows} == expected


def test_the_example_can_be_used_as_it_is(page: str) -> None:
    """It is read, and the only slot that its template lacks is the one made up to explain."""
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    campaign = parse_campaign(example, "example")
    templates = {"abandoned_cart": find_template("abandoned_cart")}
    found = check_campaign(campaign, templates, load_dictionary("local", []))
    errors = [finding.sentence for finding in found if finding.level == "error"]
    assert len(errors) == 1
    assert "'headline'" in errors[0]


@pytest.mark.parametrize(
    "table", [Words, Source, Limits, Experiment, Deliver, CallToAction, Action]
)
def test_every_key_is_explained(page: str, table: type) -> None:
    """No key can be written that the page does not show."""
    fields = table.model_fields  # type: ignore[attr-defined]
    for name, field in fields.items():
        key = field.alias or name
        assert re.search(rf"(^|[\[`{{ ]){key}\b", page, re.MULTILINE), key


def test_every_filter_is_named(page: str) -> None:
    """And no other."""
    for name in FILTERS:
        assert f"`{name}`" in page
