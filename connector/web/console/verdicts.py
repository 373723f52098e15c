"""
Whom a session was taken for, and by which signs, in plain words.
"""

from __future__ import annotations

from typing import Any

from connector.store.watching import Filtered
from connector.web.console.cards import Chip

VIEWERS = {
    "human": Chip("Person", "good"),
    "unknown": Chip("Not verified", "quiet"),
    "bot": Chip("Software", "warn"),
    "preview": Chip("Message preview", "quiet"),
    "self": Chip("Our own", "quiet"),
}
MEANING = {
    "unknown": "opened, but nobody pressed play and watched 2 s",
    "bot": "link scanners and other software",
    "preview": "chats and mail programs that show what a link leads to",
    "self": "people who were signed in here",
}
REASONS = {
    "ua_list": "calls itself a program",
    "no_user_agent": "does not say what it is",
    "prefetch": "loaded ahead of a click",
    "honeypot": "followed a link that people cannot see",
    "webdriver": "a browser that software drives",
    "seconds_after_send": "within 10 s of the link being made",
    "link_burst": "opened many links at once",
    "no_input": "no mouse, touch or key",
    "hidden_page": "the page was never in view",
}


def chip_of(viewer: str) -> Chip:
    """Return what a kind of viewer is called."""
    return VIEWERS.get(viewer, VIEWERS["unknown"])


def said_of(reason: str) -> str:
    """Return what a sign means; one that is new here stands for itself."""
    return REASONS.get(reason, reason)


def left_out(one: Filtered) -> dict[str, Any]:
    """Return what a page tells of sessions that count nowhere, the commonest sign first."""
    return {
        "chip": chip_of(one.viewer),
        "meaning": MEANING.get(one.viewer, "not verified"),
        "sessions": one.sessions,
        "reasons": [
            (said_of(reason), count)
            for reason, count in sorted(one.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
    }
