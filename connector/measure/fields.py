"""
What goes on the contact: our words with their values.

The video's own words describe the newest video that no gate refused; score, tier, views, first and
last viewed cover all videos. What is not known is empty (None), never zero, and only sessions of
verified people count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.measure import scoring
from connector.measure.engagement import (
    Engagement,
    Segment,
    drop_off_scene,
    engagement,
    rewatches,
)
from connector.model import Decision

HUMAN = "human"
ENGAGEMENT_WORDS = (
    "percent_watched", "views", "last_viewed_at", "engagement_score", "last_cta",
    "first_viewed_at", "furthest_percent", "seconds_watched", "rewatches", "drop_off_scene",
    "cta_clicks", "engagement_tier",
)  # fmt: skip


@dataclass(frozen=True)
class VideoFacts:
    """One video as far as its contact's record tells of it; *scenes* is its manifest."""

    id: str
    url: str
    status: str
    thumbnail_url: str | None = None
    reason: str = ""
    sentence: str = ""
    template: str = ""
    variant: str = ""
    fallback_slots: Sequence[str] = ()
    ready_at: datetime | None = None
    expires_at: datetime | None = None
    duration: float = 0.0
    scenes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class SessionFacts:
    """
    One session of one video; *clicks* are the calls to action clicked in it, once each.

    *version* tells renderings of the same video apart.
    """

    video_id: str
    first_at: datetime
    last_at: datetime
    duration: float
    segments: Sequence[Segment]
    last: float
    viewed: bool
    viewer: str
    clicks: Sequence[str] = ()
    version: int = 1

    @property
    def counts(self) -> bool:
        """Tell whether a verified person watched."""
        return self.viewed and self.viewer == HUMAN


def video_fields(video: VideoFacts) -> dict[str, Any]:
    """Describe the newest video that no gate refused."""
    return {
        "video_url": video.url or None,
        "thumbnail_url": video.thumbnail_url or None,
        "video_status": video.status,
        "video_status_reason": explained(video.reason, video.sentence),
        "video_template": video.template or None,
        "video_variant": video.variant or None,
        "video_fallback_slots": ", ".join(video.fallback_slots) or None,
        "video_ready_at": written(video.ready_at),
        "video_expires_at": written(video.expires_at),
    }


def decision_fields(decision: Decision) -> dict[str, Any]:
    """Describe a refusal; the words of the video before it stay as they are."""
    return {
        "video_status": str(decision.outcome),
        "video_status_reason": explained(decision.reason, decision.sentence),
    }


def explained(reason: str, sentence: str) -> str | None:
    """Write a reason for people, with its code for filters: `Sentence. (code)`."""
    return f"{sentence} ({reason})" if sentence and reason else sentence or reason or None


def written(at: datetime | None) -> str | None:
    """Write a time in UTC: `2026-11-21T19:42:11Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def engagement_fields(
    newest: VideoFacts | None,
    sessions: Sequence[SessionFacts],
    now: datetime,
    *,
    opted_out: bool = False,
) -> dict[str, Any]:
    """
    Describe what a contact watched.

    *newest* is the newest video that no gate refused; *sessions* are those of all their videos.
    """
    human = sorted((s for s in sessions if s.counts), key=lambda s: s.first_at)
    clicked = sorted((s for s in sessions if s.clicks and s.viewer == HUMAN), key=_last_at)
    nothing: dict[str, Any] = dict.fromkeys(ENGAGEMENT_WORDS)
    own = [s for s in human if newest and s.video_id == newest.id]
    clicks = sum(len(s.clicks) for s in clicked if newest and s.video_id == newest.id)
    return {
        **nothing,
        **(_over_all(human, clicked, now, opted_out=opted_out) if human else {}),
        **(_of_one(newest, _of_latest(own)) if newest and own else {}),
        "last_cta": clicked[-1].clicks[-1] if clicked else None,
        "cta_clicks": clicks if own or clicks else None,
    }


def fades_in(
    sessions: Sequence[SessionFacts], now: datetime, *, opted_out: bool = False
) -> timedelta | None:
    """Tell in how long what a contact's score says of all their *sessions* must be written anew."""
    human = sorted((s for s in sessions if s.counts), key=lambda s: s.first_at)
    clicked = [s for s in sessions if s.clicks and s.viewer == HUMAN]
    return scoring.fades_in(_all_watched(human, clicked), now, opted_out=opted_out)


def _of_latest(own: Sequence[SessionFacts]) -> list[SessionFacts]:
    """Keep the sessions of the latest rendering that was watched: no percentage mixes two films."""
    return _of_version(own, max(session.version for session in own))


def _of_version(own: Sequence[SessionFacts], version: int) -> list[SessionFacts]:
    return [session for session in own if session.version == version]


def _last_at(session: SessionFacts) -> datetime:
    return session.last_at


def _over_all(
    human: Sequence[SessionFacts],
    clicked: Sequence[SessionFacts],
    now: datetime,
    *,
    opted_out: bool,
) -> dict[str, Any]:
    points = scoring.score(_all_watched(human, clicked), now, opted_out=opted_out)
    return {
        "views": len(human),
        "first_viewed_at": written(human[0].first_at),
        "last_viewed_at": written(max(s.last_at for s in human)),
        "engagement_score": points,
        "engagement_tier": scoring.tier(points),
    }


def _all_watched(
    human: Sequence[SessionFacts], clicked: Sequence[SessionFacts]
) -> list[scoring.Watched]:
    with_clicks = {s.video_id for s in clicked}
    by_video: dict[str, list[SessionFacts]] = {}
    for session in human:
        by_video.setdefault(session.video_id, []).append(session)
    return [_watched(own, video in with_clicks) for video, own in by_video.items()]


def _watched(own: Sequence[SessionFacts], clicked: bool) -> scoring.Watched:
    films = [_of_version(own, version) for version in {s.version for s in own}]
    return scoring.Watched(
        at=max(s.last_at for s in own),
        percent=max(together(film).percent for film in films),
        rewatches=max(rewatches(s.segments for s in film) for film in films),
        clicked=clicked,
    )


def _of_one(newest: VideoFacts, own: Sequence[SessionFacts]) -> dict[str, Any]:
    seen = together(own)
    latest = max(own, key=_last_at)
    stopped = engagement(latest.segments, latest.duration, latest.last).last_ms / 1000
    return {
        "percent_watched": seen.percent,
        "furthest_percent": seen.furthest_percent,
        "seconds_watched": seen.watch_ms // 1000,
        "rewatches": rewatches(s.segments for s in own),
        "drop_off_scene": None if seen.completed else drop_off_scene(newest.scenes, stopped),
    }


def together(sessions: Sequence[SessionFacts]) -> Engagement:
    """Measure several sessions of one video as if they were one."""
    played = [segment for session in sessions for segment in session.segments]
    return engagement(played, max((s.duration for s in sessions), default=0.0))
