"""
Puts what was watched on the contact's record.

Everything is computed anew from the sessions, so a job may run twice, late or out of order. A CRM is
told only what is new to it. Metrics are written at once; a task for the owner and events for programs
outside wait until the session behind them has proved to be a person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from connector.jobs.owed import facts_of, link_of, owe_video
from connector.jobs.station import Station, open_station
from connector.jobs.told import labels_of, owe_events, owe_follow_up
from connector.jobs.tries import take, working
from connector.measure.alerts import happenings, look_again, proven
from connector.measure.engagement import engagement
from connector.measure.fields import SessionFacts, engagement_fields, fades_in, written
from connector.measure.tracking import IDENTIFIED
from connector.model import Subject, VideoStatus
from connector.store import (
    changes,
    decisions,
    leases,
    sessions,
    subjects,
    tracking,
    verdicts,
    videos,
)
from connector.store.clock import moment, now
from connector.store.leases import Claim
from connector.store.sessions import SessionRow
from connector.store.videos import VideoRow

OPTED_OUT = "opted_out"
CHANGED_BY_PEOPLE = frozenset({VideoStatus.APPROVED, VideoStatus.REJECTED, VideoStatus.EXPIRED})


@dataclass
class Told:
    """What a measuring owes, to be rung for, and in how many seconds to look again."""

    changes: list[str] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)
    again: float | None = None


def update_engagement(ids: list[str]) -> None:
    """Measure the videos of *ids* that have news, and owe the CRM what changed."""
    station = open_station()
    for claim in take(station, "measures", ids):
        with working(station, claim):
            _measure(station, claim)


def _measure(station: Station, claim: Claim) -> None:
    gathering = station.settings.coalesce_seconds
    with station.store.write() as tx:
        version = sessions.measure_version(tx, claim.id)
        told = _tell(tx, station, claim.id)
        leases.finish(tx, claim)
        # a beacon that came while we were computing has found the row running and left it so
        if sessions.measure_version(tx, claim.id) != version:
            sessions.owe_measure(tx, [claim.id], gathering)
        elif told.again is not None:
            sessions.owe_measure(tx, [claim.id], told.again)
    station.doorbell.ring("write_back", told.changes)
    station.doorbell.ring("send_webhooks", told.webhooks)


def _tell(tx: Connection, station: Station, video_id: str) -> Told:
    video = videos.get(tx, video_id)
    if video is None or video.contact_id is None:
        return Told()
    status = _tell_status(tx, station, video)
    # two videos of one contact are not measured at the same time: the later one has seen more
    decisions.hold(tx, video.connection_id, video.contact_id)
    own = videos.of_contact(tx, video.connection_id, video.contact_id)
    rows = verdicts.judged(tx, [one.id for one in own])
    if tracking.mode_of_video(tx, station.settings.tracking, video) != IDENTIFIED:
        return Told([*status, *_tell_choice(tx, video)])
    seen = _seen(tx, own, [row for row in rows if row.told])
    words = _contact_words(tx, station, video, seen)
    owed = [_owe(tx, video, "property", video.contact_id, words)]
    owed += [
        _owe(tx, video, "view_row", session_id, _view_words(facts))
        for session_id, facts in seen.items()
        if facts.video_id == video.id and facts.counts
    ]
    told = _alert(tx, station, video, seen)
    told.changes += [*status, *(change_id for change_id in owed if change_id)]
    if told.again is None:
        told.again = _fading(tx, video, seen)
    return told


def _fading(tx: Connection, video: VideoRow, seen: Mapping[str, SessionFacts]) -> float | None:
    """Return in how many seconds the score has faded so far that the record must say so."""
    viewer = Subject("contact", video.contact_id or "")
    held = subjects.standing(tx, video.connection_id, viewer)
    if not any(facts.video_id == video.id for facts in seen.values()):
        return None  # another video of the contact sees to it
    left = fades_in(list(seen.values()), moment(now(tx)), opted_out=held.opted_out)
    return left.total_seconds() if left else None


def _alert(
    tx: Connection, station: Station, video: VideoRow, seen: Mapping[str, SessionFacts]
) -> Told:
    """Owe the owner's task and the events, by what is proven of the sessions *seen*."""
    held = subjects.standing(tx, video.connection_id, Subject("contact", video.contact_id or ""))
    if held.opted_out:
        return Told()
    at = moment(now(tx))
    own = {key: facts for key, facts in seen.items() if facts.video_id == video.id}
    again, believed = look_again(own.values(), at), proven(own, at)
    if not believed:
        return Told(again=again)
    words = _contact_words(tx, station, video, proven(seen, at))
    tier = words["engagement_tier"] or "cold"
    clicks = sessions.clicks(tx, list(believed))
    return Told(
        owe_follow_up(tx, video, link_of(station, video), tier, believed),
        owe_events(tx, video, happenings(video.id, believed, clicks, at)),
        again,
    )


def _tell_status(tx: Connection, station: Station, video: VideoRow) -> list[str]:
    """Owe a status that was changed on a page of ours: the web tells no CRM anything itself."""
    if video.status not in CHANGED_BY_PEOPLE:
        return []
    last = changes.values_of(tx, video.connection_id, "video_row", video.id) or {}
    return owe_video(tx, station, video.id) if last.get("video_status") != video.status else []


def _tell_choice(tx: Connection, video: VideoRow) -> list[str]:
    """Owe the contact's wish not to be measured; what was told before stays as it is."""
    if not tracking.refused(tx, video.connection_id, tracking.viewer_of(video)):
        return []
    words = {"tracking_consent": OPTED_OUT}
    owed = _owe(tx, video, "property", video.contact_id or "", words)
    return [owed] if owed else []


def _seen(
    tx: Connection, own: Sequence[VideoRow], rows: Sequence[SessionRow]
) -> dict[str, SessionFacts]:
    """Return the sessions of the contact's videos as they may be told of."""
    clicks = sessions.clicks(tx, [row.id for row in rows])
    labels = {one.id: labels_of(one) for one in own}
    return {
        row.id: _facts(
            row,
            [labels[row.video_id].get(key) or key for key in clicks.get(row.id, ())],
        )
        for row in rows
    }


def _facts(row: SessionRow, clicks: Sequence[str]) -> SessionFacts:
    return SessionFacts(
        video_id=row.video_id,
        first_at=moment(row.first_at),
        last_at=moment(row.last_at),
        duration=row.duration_ms / 1000,
        segments=[(start, end, rate) for start, end, rate in row.played],
        last=row.last_ms / 1000,
        viewed=row.viewed,
        viewer=row.viewer,
        clicks=clicks,
        version=row.version,
    )


def _contact_words(
    tx: Connection, station: Station, video: VideoRow, seen: Mapping[str, SessionFacts]
) -> dict[str, Any]:
    contact_id = video.contact_id or ""
    newest = videos.newest(tx, video.connection_id, contact_id)
    held = subjects.standing(tx, video.connection_id, Subject("contact", contact_id))
    words = engagement_fields(
        facts_of(station, newest) if newest else None,
        list(seen.values()),
        moment(now(tx)),
        opted_out=held.opted_out,
    )
    return {**words, "tracking_consent": OPTED_OUT} if held.opted_out else words


def _view_words(facts: SessionFacts) -> dict[str, Any]:
    seen = engagement(facts.segments, facts.duration, facts.last)
    return {
        "video_id": facts.video_id,
        "viewed_at": written(facts.first_at),
        "last_viewed_at": written(facts.last_at),
        "percent_watched": seen.percent,
        "furthest_percent": seen.furthest_percent,
        "seconds_watched": seen.watch_ms // 1000,
        "completed": seen.completed,
        "clicks": ", ".join(facts.clicks) or None,
    }


def _owe(
    tx: Connection, video: VideoRow, kind: str, key: str, values: dict[str, Any]
) -> str | None:
    """Owe *values*, unless they are just what was owed last; return the change, or None."""
    last = changes.values_of(tx, video.connection_id, kind, key) or {}
    if not _news(values, last):
        return None
    return changes.owe(
        tx,
        connection_id=video.connection_id,
        kind=kind,
        contact_id=video.contact_id or "",
        key=key,
        values=values,
    )


def _news(values: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Tell whether a CRM that was told *last* would learn something; visits of scanners are none."""
    if all(value is None for value in values.values()):
        return any(last.get(name) is not None for name in values)
    return any(name not in last or last[name] != value for name, value in values.items())
