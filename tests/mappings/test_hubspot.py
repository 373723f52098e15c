"""That the words of HubSpot lead somewhere: to properties of HubSpot's own, or to those to be made."""

from __future__ import annotations

import pytest

from connector.crm.hubspot.events import read_rules
from connector.crm.hubspot.properties import OBJECTS
from connector.decide.campaigns import load_campaigns
from connector.decide.checks import check_campaign
from connector.decide.dictionary import WRITE_WORDS, load_dictionary
from renderers.template import find_template
from tests.fakes.hubspot.kinds import standard

HUBSPOT, LOCAL = load_dictionary("hubspot", ()), load_dictionary("local", ())
LINE_ITEMS = "line_items"
# what the comments of the file ask an admin to make
TO_BE_MADE = {
    "contact.plan", "contact.start_date", "account.plan", "account.period", "account.usage",
    "account.usage_change", "account.savings", "account.currency", "account.seats_used",
    "account.seats_total", "account.renewal_date",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(load_campaigns([])))
def test_each_packaged_campaign_runs_on_hubspot(name: str) -> None:
    """No word that a campaign names is missing, so that nothing has to be mapped before a trial."""
    campaign = load_campaigns([])[name]
    templates = {step.template: find_template(step.template) for step in campaign.steps}
    found = check_campaign(campaign, templates, HUBSPOT)

    assert [finding for finding in found if finding.level != "ok"] == []


def test_only_the_links_between_records_are_no_words_here() -> None:
    """HubSpot associates records; the local CRM has a column for that."""
    assert LOCAL.words - HUBSPOT.words == {"cart.contact_id", "account.contact_id"}


def test_every_word_is_a_property_that_portals_have_or_that_is_to_be_made() -> None:
    """A misspelt property would never be asked for, and nobody would notice."""
    homeless = {
        word
        for word, field in HUBSPOT.read.items()
        if field != LINE_ITEMS
        and field.partition(".")[0] not in standard(OBJECTS[word.partition(".")[0]])
    }
    assert homeless == TO_BE_MADE


def test_what_is_written_reads_as_in_the_local_crm() -> None:
    """The same words, labels, kinds and explanations; the fields are called after the words."""
    assert dict(HUBSPOT.write_fields) == dict(LOCAL.write_fields)
    assert [HUBSPOT.write_field(word) for word in WRITE_WORDS] == [
        f"cuereel_{word}" for word in WRITE_WORDS
    ]


def test_nothing_that_we_write_is_read_or_waited_for() -> None:
    """Our own fields are no words and start nothing."""
    assert not any("cuereel_" in field for field in HUBSPOT.read.values())
    assert not any("cuereel_" in event for event in HUBSPOT.events)


def test_what_happens_in_the_portal_starts_the_packaged_campaigns() -> None:
    """Onboarding and carts begin by themselves; a review needs a property of the portal's own."""
    started = set(HUBSPOT.events.values())
    waiting = {campaign.trigger for campaign in load_campaigns([]).values()}

    assert waiting - started == {"account_review_due"}
    assert len(read_rules(HUBSPOT.events)) == len(HUBSPOT.events)
