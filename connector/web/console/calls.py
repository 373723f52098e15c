"""The calls to action of a campaign, in the order of its file, with how often each was followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection

from connector.decide.campaigns import parse_campaign
from connector.decide.schema import MAIN
from connector.errors import MappingError
from connector.store import calls, campaigns
from connector.store.calls import CallSum


def calls_of(tx: Connection, campaign: str) -> list[CallSum]:
    """Return what is known of each call to action that a campaign has, or had, and that was seen."""
    # a page may claim to have shown anything; only what was once written in the file is listed
    found = {one.key: one for one in calls.of_campaign(tx, campaign)}
    return [found[key] for key in dict.fromkeys(_keys(tx, campaign)) if key in found]


def _keys(tx: Connection, campaign: str) -> Iterator[str]:
    yield MAIN
    for body in campaigns.bodies_of(tx, campaign):
        with suppress(MappingError):  # a text that was fine for an earlier version of ours
            yield from (action.name for action in parse_campaign(body, campaign).actions)
