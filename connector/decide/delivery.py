"""Works out what a video carries beside its slots: its language and where its buttons lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.decide.campaigns import Campaign
from connector.decide.expressions import ExpressionError, holds
from connector.decide.facts import NOTHING, Facts, facts_of
from connector.decide.formatting import resolve_locale
from connector.decide.schema import Action, Source
from connector.decide.slots import Filled, fill
from renderers.schema import Slot

LONGEST_URL = 2_000
MOST_ACTIONS = 6
LABEL = Slot(longest=60)


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
    url = _address(campaign.call_to_action.url, facts_of(fields, context, "en"))
    label = filled.slots.get(campaign.call_to_action.label_slot)
    return {"label": label.text if label else "", "url": url} if url else None


def actions(
    campaign: Campaign,
    filled: Filled,
    fields: Mapping[str, Any],
    context: Mapping[str, Any] = NOTHING,
    *,
    locale: str = "en",
) -> list[dict[str, Any]]:
    """
    Work out the further calls to action, as they are stored with the video, at most six.

    One whose text or address cannot be used is left out.
    """
    shown = {name: slot.value for name, slot in filled.slots.items()}
    facts = facts_of(fields, {**context, "slots": shown}, locale)
    taken: dict[str, Action] = {}
    for action in campaign.actions:
        if action.name not in taken and _fits(action, facts):
            taken[action.name] = action
    found = (_action(action, facts, fields, context) for action in taken.values())
    return [action for action in found if action][:MOST_ACTIONS]


def _fits(action: Action, facts: Facts) -> bool:
    try:
        return action.when is None or holds(action.when, facts.names)
    except ExpressionError:
        return False


def _action(
    action: Action, facts: Facts, fields: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any] | None:
    read = fill(
        {"label": action.text}, {"label": LABEL}, fields, locale=facts.locale, context=context
    )
    label, url = read.slots.get("label"), _address(action.url, facts)
    if label is None or not label.text or not url:
        return None
    return {
        "key": action.name,
        "kind": action.kind,
        "label": label.text,
        "url": url,
        "scenes": list(action.scenes),
    }


def _address(source: Source, facts: Facts) -> str:
    """Find the address of a source, or its `otherwise`; empty where neither can be used."""
    candidates = (
        str(raw or "").strip() for raw in (_raw(source, facts), _otherwise(source, facts))
    )
    return next((url for url in candidates if url and is_web_address(url)), "")


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
