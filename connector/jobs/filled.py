"""
What a video is filled with: worked out alike when it is minted and when its record is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from connector.decide import Filled
from connector.decide.campaigns import Campaign
from connector.decide.delivery import actions, call_to_action, locale_of
from connector.decide.slots import fill
from connector.decide.stored import to_json
from renderers.template import Template


class Content(TypedDict):
    """The columns of a video that hold what came from a record."""

    locale: str
    slots: dict[str, Any]
    fallback_slots: list[str]
    call_to_action: dict[str, str] | None
    actions: list[dict[str, Any]] | None


CONTENT = tuple(Content.__annotations__)


def fill_template(
    campaign: Campaign, template: Template, fields: Mapping[str, Any], context: Mapping[str, Any]
) -> Filled:
    """Fill a template's slots from a record's *fields*, in the record's language."""
    locale = locale_of(campaign, fields, context)
    return fill(campaign.slots, template.slots, fields, locale=locale, context=context)


def content_of(
    campaign: Campaign, filled: Filled, fields: Mapping[str, Any], context: Mapping[str, Any]
) -> Content:
    """Return what a video holds once its slots are filled: also its language and where it leads."""
    locale = locale_of(campaign, fields, context)
    return Content(
        locale=locale,
        slots=to_json(filled.slots),
        fallback_slots=list(filled.fallbacks),
        call_to_action=call_to_action(campaign, filled, fields, context),
        actions=actions(campaign, filled, fields, context, locale=locale),
    )
