"""That the words of Salesforce lead somewhere: to fields of its own, or to those to be made."""

from __future__ import annotations

import re

import pytest

from connector.crm.salesforce.rules import read_rules
from connector.crm.salesforce.values import ABOUT
from connector.decide.campaigns import load_campaigns
from connector.decide.checks import check_campaign
from connector.decide.dictionary import WRITE_WORDS, load_dictionary
from renderers.template import find_template
from tests.fakes.salesforce.schema import Sobject
from tests.fakes.salesforce.standard import standard

SALESFORCE, LOCAL = load_dictionary("salesforce", ()), load_dictionary("local", ())
SCHEMA = standard()
# which rows the words of [item] are for
GOODS = ("CartItem", "OpportunityLineItem", "OrderItem")
# what the comments of the file ask an admin to make
TO_BE_MADE = {
    "contact.locale", "contact.time_zone", "contact.plan", "contact.start_date",
    "lead.locale", "lead.time_zone", "lead.plan", "cart.checkout_url", "account.plan",
    "account.period", "account.usage", "account.usage_change", "account.savings",
    "account.seats_used", "account.seats_total", "account.renewal_date", "item.image", "item.url",
}  # fmt: skip
# only where the org has several currencies
CURRENCIES = {"account.currency", "deal.currency", "order.currency"}
# what the road and the measuring fill a video's and a view's row with
OF_A_VIDEO = {
    "video_url", "thumbnail_url", "video_status", "video_status_reason", "video_template",
    "video_variant", "video_fallback_slots", "video_ready_at", "video_expires_at", "campaign",
    "minted_at", "subject", "duration",
}  # fmt: skip
OF_A_VIEW = {
    "video_id", "viewed_at", "last_viewed_at", "percent_watched", "furthest_percent",
    "seconds_watched", "completed", "clicks",
}  # fmt: skip


def object_of(kind: str) -> str:
    return SALESFORCE.objects[kind].partition(".")[0]


def leads_somewhere(name: str, path: str) -> bool:
    """Tell whether a path from an object ends at a field that every org has."""
    here: Sobject = SCHEMA[name]
    first, dot, rest = path.partition(".")
    if not dot:
        return first in here.fields
    found = [one for one in here.fields.values() if one.refers and one.relation == first]
    # an owner may be a queue, and then has no address; a query may ask for one all the same
    return bool(found) and any(leads_somewhere(name, rest) for name in found[0].refers)


def words_of(kind: str) -> dict[str, str]:
    return {word: path for word, path in SALESFORCE.read.items() if word.startswith(f"{kind}.")}


@pytest.mark.parametrize("name", sorted(load_campaigns([])))
def test_each_packaged_campaign_runs_on_salesforce(name: str) -> None:
    """No word that a campaign names is missing, so that nothing has to be mapped before a trial."""
    campaign = load_campaigns([])[name]
    templates = {step.template: find_template(step.template) for step in campaign.steps}
    found = check_campaign(campaign, templates, SALESFORCE)

    assert [finding for finding in found if finding.level != "ok"] == []


def test_only_links_between_records_and_the_stage_of_life_are_no_words_here() -> None:
    """Salesforce relates records, and tells by leads and contacts how far somebody has come."""
    assert LOCAL.words - SALESFORCE.words == {
        "cart.contact_id", "account.contact_id", "contact.lifecycle_stage",
    }  # fmt: skip


def test_every_word_is_a_field_that_orgs_have_or_that_is_to_be_made() -> None:
    """A misspelt field would never be asked for, and nobody would notice."""
    homeless = {
        word
        for kind in SALESFORCE.objects
        for word, path in words_of(kind).items()
        if not word.endswith(".items") and not leads_somewhere(object_of(kind), path)
    }
    homeless |= {
        word
        for word, names in words_of("item").items()
        if not any(leads_somewhere(row, name) for row in GOODS for name in names.split(" | "))
    }

    assert homeless == TO_BE_MADE | CURRENCIES


def test_every_kind_of_record_has_an_object_and_a_way_to_who_watches() -> None:
    """A kind without an object could be neither read nor waited for."""
    assert SALESFORCE.kinds - {"item"} == set(SALESFORCE.objects)
    ways = {name: way for name, _, way in (o.partition(".") for o in SALESFORCE.objects.values())}
    assert all(leads_somewhere(name, way) for name, way in ways.items() if way)
    assert {name for name, way in ways.items() if not way} == {
        "Contact", "Lead", "Account", "Opportunity",
    }  # fmt: skip


def test_goods_are_children_of_their_record() -> None:
    """The relation's name is what the row's own reference to the record is called from there."""
    relations = {
        (object_of(word.partition(".")[0]), relation)
        for word, relation in SALESFORCE.read.items()
        if word.endswith(".items")
    }
    children = {
        (parent, one.child) for row in GOODS for one in SCHEMA[row].fields.values() for parent in one.refers
    }  # fmt: skip

    assert relations <= children
    assert len(relations) == len(GOODS)


def test_what_is_written_reads_as_in_the_local_crm() -> None:
    """The same words, labels, kinds and explanations; the fields are called after the words."""
    for word, spec in SALESFORCE.write_fields.items():
        same = LOCAL.write_fields[word]
        assert (spec.label, spec.type, spec.description) == (
            same.label,
            same.type,
            same.description,
        )
    assert [SALESFORCE.write_field(word) for word in WRITE_WORDS] == [
        f"Cuereel_{word.title()}__c" for word in WRITE_WORDS
    ]
    # what an org takes for the name of a field, and for its label
    names = [str(SALESFORCE.write_field(word)) for word in WRITE_WORDS]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}__c", name) for name in names)
    assert all(len(spec.label) <= 40 for spec in SALESFORCE.write_fields.values())


def test_nothing_that_we_write_is_read_or_waited_for() -> None:
    """Our own fields are no words and start nothing."""
    assert not any("Cuereel_" in field for field in SALESFORCE.read.values())
    assert not any("Cuereel_" in event for event in SALESFORCE.events)
    assert not any("Cuereel_" in name for name in SALESFORCE.objects.values())


def test_what_happens_in_the_org_starts_the_packaged_campaigns() -> None:
    """Onboarding and carts begin by themselves; a review needs a field of the org's own."""
    started = set(SALESFORCE.events.values())
    waiting = {campaign.trigger for campaign in load_campaigns([]).values()}

    assert waiting - started == {"account_review_due"}
    assert len(list(read_rules(SALESFORCE.events))) == len(SALESFORCE.events)


def test_rows_hold_what_is_told_of_videos_and_views() -> None:
    """A word that nobody fills would stay empty for ever; one that is not named would be lost."""
    rows = {kind: set(names) - set(ABOUT) for kind, names in SALESFORCE.rows.items()}

    assert rows == {"video_row": OF_A_VIDEO, "view_row": OF_A_VIEW}
    assert all(set(ABOUT) <= set(names) for names in SALESFORCE.rows.values())
