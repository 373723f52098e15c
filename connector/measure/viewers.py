"""
Tells people from link scanners, previews and ourselves, with named reasons.

Scanners open every link of a message within seconds, and some run a real browser that scrolls and
plays. So a verdict is never final: it is computed again from the stored signals, nothing is thrown
away, and only `human` counts for scores, alerts and the CRM.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from connector.measure.engagement import is_view

Viewer = Literal["human", "unknown", "bot", "self", "preview"]
BOT_SCORE = 3
LONGEST_AGENT = 500  # characters; what comes after is nobody's name
EARLY_SECONDS = 10.0
REAL_PLAYBACK_SECONDS = 10.0
PLAYBACK_CREDIT = 4
BURST_LINKS, BURST_SPAN = 3, timedelta(seconds=2)

# points of each sign; strong ones are the software's own word and no playback makes up for them
STRONG = {"ua_list": 3, "no_user_agent": 3, "prefetch": 3, "honeypot": 4, "webdriver": 4}
WEAK = {"seconds_after_send": 2, "link_burst": 3, "no_input": 1, "hidden_page": 1}
# what no session shows by itself: only all of one person's together
SHOWN_BY_OTHERS = frozenset({"link_burst"})

_PREVIEWERS = re.compile(
    r"slackbot|slack-imgproxy|linkedinbot|twitterbot|facebookexternalhit|facebot|whatsapp|"
    r"discordbot|telegrambot|skypeuripreview|microsoftpreview|bingpreview|googleimageproxy|"
    r"yahoomailproxy|embedly|iframely|pinterestbot|redditbot|mattermost|zoombot|cardyb|"
    r"mastodon/|snap url preview",
    re.IGNORECASE,
)
_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|symantec|messagelabs|trend ?micro|fireeye|forcepoint|sophos|"
    r"trellix|avanan|ironscales|hornetsecurity|vadesecure|zscaler|safelinks|microsoft office existence|urlscan|virustotal|cloudmark|ironport|"
    r"headlesschrome|phantomjs|puppeteer|playwright|selenium|electron|lighthouse|pagespeed|"
    r"python-|aiohttp|httpx|curl/|wget/|libwww|go-http-client|java/|okhttp|node-fetch|axios|"
    r"undici|apache-httpclient|winhttp|postman|scrapy|"
    r"(?<!\bcu)bot\b|(?:crawler|spider|scanner|monitor)\b",  # CUBOT makes telephones
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Signals:
    """What is known of one session; *seconds_after_send* is None while that time is not known."""

    gesture: bool = False
    watch_ms: int = 0
    user_agent: str = ""
    visible: bool = True
    input: bool = True
    webdriver: bool = False
    honeypot: bool = False
    prefetch: bool = False
    link_burst: bool = False
    seconds_after_send: float | None = None
    internal: bool = False


@dataclass(frozen=True)
class Verdict:
    """Who a viewer is taken for, by how many points, and for which reasons."""

    viewer: Viewer
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Opening:
    """That a link was opened: in which session, whose video, by which class of agent, and when."""

    session_id: str
    video_id: str
    agent: str
    at: datetime


def judge(signals: Signals) -> Verdict:
    """Judge one session by its signals."""
    found = _signs(signals)
    viewed = is_view(gesture=signals.gesture, watch_ms=signals.watch_ms)
    score = _score(found, viewed=viewed, watch_ms=signals.watch_ms)
    if signals.internal:
        return Verdict("self", score, found)
    if ua_class(signals.user_agent) == "preview":
        return Verdict("preview", score, found)
    return Verdict(_viewer(score, viewed=viewed), score, found)


def judge_again(verdict: Verdict, *also: str, viewed: bool, watch_ms: int) -> Verdict:
    """
    Judge a session anew by its own reasons and by the signs that other sessions show now.

    Those that others showed before count no longer, so a verdict can go back to what it was.
    """
    own = tuple(sign for sign in verdict.reasons if sign not in SHOWN_BY_OTHERS)
    found = (*own, *(sign for sign in also if sign not in own))
    score = _score(found, viewed=viewed, watch_ms=watch_ms)
    apart = verdict.viewer in ("self", "preview")
    return Verdict(verdict.viewer if apart else _viewer(score, viewed=viewed), score, found)


def link_bursts(openings: Iterable[Opening]) -> frozenset[str]:
    """Find the sessions in which one class of agent opened three links of a contact at once."""
    ordered = sorted(openings, key=lambda one: one.at)
    found: set[str] = set()
    for place, first in enumerate(ordered):
        together = [
            one
            for one in ordered[place:]
            if one.at - first.at <= BURST_SPAN and one.agent == first.agent
        ]
        if len({one.video_id for one in together}) >= BURST_LINKS:
            found |= {one.session_id for one in together}
    return frozenset(found)


def _score(found: Sequence[str], *, viewed: bool, watch_ms: int) -> int:
    weak = sum(WEAK.get(sign, 0) for sign in found)
    if viewed and watch_ms >= REAL_PLAYBACK_SECONDS * 1000:
        weak = max(weak - PLAYBACK_CREDIT, 0)
    return weak + sum(STRONG.get(sign, 0) for sign in found)


def _viewer(score: int, *, viewed: bool) -> Viewer:
    if score >= BOT_SCORE:
        return "bot"
    return "human" if viewed else "unknown"


def _signs(signals: Signals) -> tuple[str, ...]:
    early = signals.seconds_after_send
    signs = {
        "ua_list": ua_class(signals.user_agent) in ("bot", "preview"),
        "no_user_agent": not signals.user_agent.strip(),
        "prefetch": signals.prefetch,
        "honeypot": signals.honeypot,
        "webdriver": signals.webdriver,
        "seconds_after_send": early is not None and early < EARLY_SECONDS,
        "link_burst": signals.link_burst,
        "no_input": not signals.input,
        "hidden_page": not signals.visible,
    }
    return tuple(sign for sign, there in signs.items() if there)


@lru_cache(maxsize=2048)
def ua_class(user_agent: str) -> Literal["browser", "bot", "preview", "none"]:
    """Class a user agent by what it says of itself."""
    user_agent = user_agent[:LONGEST_AGENT]
    if not user_agent.strip():
        return "none"
    if _PREVIEWERS.search(user_agent):
        return "preview"
    return "bot" if _SCANNERS.search(user_agent) else "browser"
