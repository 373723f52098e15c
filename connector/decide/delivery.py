"""Works out what a video carries beside its slots: its language and where its button leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.decide.campaigns import Campaign
from connector.decide.expressions import ExpressionError
from connector.decide.facts import NOTHING, Facts, facts_of
from connector.decide.formatting import resolve_locale
from connector.decide.schema import Source
from connector.decide.slots import Filled

LONGEST_URL = 2_000


def locale_of(
    campaign: Campaign, fields: Mapping[str, Any], context: Mapping[str, Any] = NOTHING
) -> str:
    """Find the language of a video; one that we cannot write gives way to `otherwise`."""
    source = campaign.deliver.locale
    facts = facts_of(fields, context, "en")
    return resolve_locale(_raw(source, facts), str(_otherwise(source, facts) or "en"))


def call_to_action(
    campaign: Campaign,
    filled: Filled,
    fields: Mapping[str, Any],
    context: Mapping[str, Any] = NOTHING,
) -> dict[str, str] | None:
    """Work out the button: its label and its https address, or None when there is no usable one."""
    if campaign.call_to_action is None:
        return None
    source = campaign.call_to_action.url
    facts = facts_of(fields, context, "en")
    label = filled.slots.get(campaign.call_to_action.label_slot)
    for candidate in (_raw(source, facts), _otherwise(source, facts)):
        if (url := str(candidate or "").strip()) and is_web_address(url):
            return {"label": label.text if label else "", "url": url}
    return None


def is_web_address(url: str) -> bool:
    """Tell whether an address is one that a viewer may be sent to: https, a host, no tricks."""
    if len(url) > LONGEST_URL or any(char.isspace() or char in '\\<>"' for char in url):
        return False
    if not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port that is no number, a bracket that does not close
        return False
    return parts.scheme == "https" and "." in host and port != 0 and "@" not in parts.netloc


def _raw(source: Source, facts: Facts) -> Any:
    try:
        return facts.raw(source)
    except ExpressionError:
        return None


def _otherwise(source: Source, facts: Facts) -> Any:
    try:
        return facts.filled(source.otherwise)
    except ExpressionError:
        return None
