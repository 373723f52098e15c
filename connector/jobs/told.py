"""
What a campaign has people told in the CRM: a note, a task for the owner, a place on a list.

Each is owed once, a task once in four hours; a CRM without a place for it says so, which is no
failure. Programs outside are told by events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from html import escape

from sqlalchemy import Connection

from connector.decide.campaigns import Campaign, parse_campaign
from connector.decide.schema import MAIN
from connector.measure.alerts import Happened, Task, task_due
from connector.measure.fields import SessionFacts, VideoFacts, together, written
from connector.model import JSON, PLAYABLE
from connector.store import campaigns, changes, outgoing
from connector.store.clock import moment, now
from connector.store.videos import VideoRow

TIERS = ("cold", "warm", "hot")


def owe_note(tx: Connection, video: VideoRow, facts: VideoFacts) -> list[str]:
    """Owe the note that a video can be watched, if its campaign wants one; return the change."""
    if video.status not in PLAYABLE or not facts.url:
        return []
    campaign = _campaign(tx, video)
    if campaign is None or not campaign.tell.note:
        return []
    values = {
        "subject": f"Personal video: {campaign.title}",
        "body": f'<p><a href="{escape(facts.url)}">Watch it</a></p>',
    }
    return _once(tx, video, "note", video.id, values)


def owe_follow_up(
    tx: Connection,
    video: VideoRow,
    url: str,
    tier: str,
    sessions: Mapping[str, SessionFacts],
) -> list[str]:
    """
    Owe what a campaign wants done once a contact is warm or hot.

    *tier* is the contact's and *sessions* are the video's, oldest first, as far as they are proven.
    """
    campaign = _campaign(tx, video)
    if campaign is None or TIERS.index(tier) < TIERS.index(campaign.tell.when):
        return []
    owed: list[str] = []
    if campaign.tell.task:
        owed += _owe_task(tx, video, sessions, _task(campaign, url, sessions.values()))
    if campaign.tell.on_list:
        # one for each contact and campaign, however many videos follow
        key = _key(campaign.name, video.contact_id or "")
        owed += _once(tx, video, "list_member", key, {"list": campaign.tell.on_list})
    return owed


def owe_events(tx: Connection, video: VideoRow, these: Iterable[Happened]) -> list[str]:
    """Owe programs outside what happened, without a word of who watched; return the webhooks."""
    return [
        webhook_id
        for one in these
        for webhook_id in outgoing.owe_event(
            tx,
            connection_id=video.connection_id,
            kind=one.kind,
            key=one.key,
            contact_id=video.contact_id,
            data=_event(video, one),
        )
    ]


def _event(video: VideoRow, one: Happened) -> dict[str, JSON]:
    return {
        "video_id": video.id,
        "campaign": video.campaign,
        "template": video.template,
        "session_id": one.session_id,
        "occurred_at": written(one.at),
        "percent_watched": one.percent,
        **({"milestone": one.milestone} if one.milestone else {}),
        # not what is written on it: that may name somebody
        **({"cta": one.cta} if one.cta else {}),
    }


def labels_of(video: VideoRow) -> dict[str, str]:
    """Return the words on a video's calls to action, by key; one without words is left out."""
    main = {"key": MAIN, **(video.call_to_action or {})}
    buttons: list[Mapping[str, JSON]] = [main, *(video.actions or ())]
    return {str(one["key"]): str(one["label"]) for one in buttons if one.get("label")}


def _owe_task(
    tx: Connection,
    video: VideoRow,
    sessions: Mapping[str, SessionFacts],
    values: Mapping[str, JSON],
) -> list[str]:
    number, told = _last_task(tx, video)
    told_at = datetime.fromisoformat(str(told["due_at"])) if told else None
    due = task_due(sessions.values(), told_at)
    if due is None:
        return []
    if told is None or due is Task.NEW:
        number += 1
        at = moment(now(tx)).isoformat(timespec="seconds")
        return [_owe(tx, video, "task", _task_key(video, number), {**values, "due_at": at})]
    # the CRM finds its task by the key and changes the words on it
    folded = {**told, **values}
    return [_owe(tx, video, "task", _task_key(video, number), folded)] if folded != told else []


def _last_task(tx: Connection, video: VideoRow) -> tuple[int, Mapping[str, JSON] | None]:
    """Return the number and the words of the last task about this video; 0 and None without."""
    number, last = 0, None
    while told := changes.values_of(tx, video.connection_id, "task", _task_key(video, number + 1)):
        number, last = number + 1, told
    return number, last


def _task_key(video: VideoRow, number: int) -> str:
    # not of the contact, whose id changes when the CRM makes one contact of two
    return _key(video.id, str(number))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _task(campaign: Campaign, url: str, sessions: Collection[SessionFacts]) -> dict[str, JSON]:
    watched = f"{together([one for one in sessions if one.counts]).percent} % watched"
    clicked = [click for one in sessions for click in one.clicks]
    detail = f"; last click: {escape(clicked[-1])}" if clicked else ""
    return {
        "subject": f"Get in touch: {campaign.title}, {watched}",
        "body": f'<p>{watched}{detail}. <a href="{escape(url)}">The video</a></p>',
    }


def _campaign(tx: Connection, video: VideoRow) -> Campaign | None:
    body = campaigns.body_of(tx, video.campaign, video.campaign_version)
    return parse_campaign(body, video.campaign) if body is not None else None


def _once(
    tx: Connection, video: VideoRow, kind: str, key: str, values: Mapping[str, JSON]
) -> list[str]:
    if changes.values_of(tx, video.connection_id, kind, key) is not None:
        return []
    return [_owe(tx, video, kind, key, values)]


def _owe(tx: Connection, video: VideoRow, kind: str, key: str, values: Mapping[str, JSON]) -> str:
    return changes.owe(
        tx,
        connection_id=video.connection_id,
        kind=kind,
        contact_id=video.contact_id or "",
        key=key,
        values=values,
    )
