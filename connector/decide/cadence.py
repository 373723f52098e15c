"""The gates of measure: how many videos a contact gets, how soon one repeats, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from connector.decide.campaigns import Campaign
from connector.decide.reasons import refused
from connector.decide.spans import Cap, QuietHours, written
from connector.model import Decision, Subject, Trigger


@dataclass(frozen=True)
class Send:
    """One video that a contact got: *key* is the trigger's, *purpose* the campaign's."""

    campaign: str
    subject: Subject
    at: datetime
    key: str
    purpose: str = ""


@dataclass(frozen=True)
class History:
    """The videos that one contact got, of all campaigns."""

    sends: tuple[Send, ...] = ()


def capped(campaign: Campaign, history: History, who: str, now: datetime) -> Decision | None:
    """
    Refuse a video that would exceed a limit in any stretch of its window.

    Counted are the contact's videos of all campaigns with the same purpose: a service video does
    not use up what marketing may send, nor the other way round.
    """
    counted = [s for s in history.sends if s.purpose in ("", campaign.purpose)]
    for cap in campaign.limits.per_contact:
        recent = sorted(s.at for s in counted if _within(s.at, cap.window, now))
        if len(recent) >= cap.count:
            return _reached(cap, recent, who, now)
    return None


def _within(at: datetime, window: timedelta, now: datetime) -> bool:
    return at > now - window


def _reached(cap: Cap, recent: Sequence[datetime], who: str, now: datetime) -> Decision:
    count = len(recent)
    videos = f"{count} video{'s' if count != 1 else ''}"
    last = "on" if count == 1 else "the last on"
    return refused(
        "cap_reached",
        f"Not sent: {who} already got {videos}, {last} {day(recent[-1], now)}; the limit is {cap}.",
    )


def repeated(
    campaign: Campaign, trigger: Trigger, history: History, who: str, now: datetime
) -> Decision | None:
    """Refuse the same campaign for the same subject too soon; steps of one trigger are no repeat."""
    gap = campaign.limits.repeat
    earlier = [
        send.at
        for send in history.sends
        if send.campaign == campaign.name
        and send.subject == trigger.subject
        and send.key != trigger.key
    ]
    if gap is None or not earlier or not _within(max(earlier), gap, now):
        return None
    return refused(
        "repeated",
        f"Not sent: {who} already got this campaign on {day(max(earlier), now)}; "
        f"it repeats after {written(gap)}.",
    )


def quiet(campaign: Campaign, zone_name: object, who: str, now: datetime) -> Decision | None:
    """Put a video off until the contact's quiet hours are over."""
    hours = campaign.limits.quiet
    zone, shown = _zone(zone_name)
    local = now.astimezone(zone)
    if hours is None or not hours.cover(local.time()):
        return None
    until = _end(hours, local, zone)
    return refused(
        "quiet_hours",
        f"Waits until {until.astimezone(zone):%H:%M} ({shown}): "
        f"these are the quiet hours of {who}.",
        retry_at=until,
    )


def _end(hours: QuietHours, local: datetime, zone: tzinfo) -> datetime:
    end = datetime.combine(local.date(), hours.end, zone)
    if end <= local:
        end = datetime.combine(local.date() + timedelta(days=1), hours.end, zone)
    return end.astimezone(UTC)


def _zone(name: object) -> tuple[tzinfo, str]:
    try:
        return ZoneInfo(str(name).strip()), str(name).strip()
    except (KeyError, ValueError, OSError):  # unknown, or not the name of a zone at all
        return UTC, "UTC"


def day(at: datetime, now: datetime) -> str:
    """Write a day as a person would say it: `3 March`, with the year when it is another one."""
    return f"{at.day} {at:%B}" if at.year == now.year else f"{at.day} {at:%B %Y}"
