"""
What a campaign has people told in the CRM: a note, a task for the owner, a place on a list.

Each is owed once; a CRM without a place for it says so, which is no failure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape

from sqlalchemy import Connection

from connector.decide.campaigns import Campaign, parse_campaign
from connector.measure.fields import VideoFacts
from connector.model import JSON, PLAYABLE
from connector.store import campaigns, changes
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
    tx: Connection, video: VideoRow, url: str, words: Mapping[str, JSON]
) -> list[str]:
    """Owe what a campaign wants done once a contact is warm or hot; *words* are the contact's."""
    campaign, tier = _campaign(tx, video), str(words.get("engagement_tier") or "cold")
    if campaign is None or TIERS.index(tier) < TIERS.index(campaign.tell.when):
        return []
    # one for each contact and campaign, however many videos follow
    key = hashlib.sha256(f"{campaign.name}\0{video.contact_id}".encode()).hexdigest()[:40]
    owed: list[str] = []
    if campaign.tell.task:
        owed += _once(tx, video, "task", key, _task(tx, campaign, url, words))
    if campaign.tell.on_list:
        owed += _once(tx, video, "list_member", key, {"list": campaign.tell.on_list})
    return owed


def _task(
    tx: Connection, campaign: Campaign, url: str, words: Mapping[str, JSON]
) -> dict[str, JSON]:
    seen = words.get("percent_watched")
    watched = f"{seen} % watched" if seen is not None else "watched"
    clicked = words.get("last_cta")
    detail = f"; last click: {escape(str(clicked))}" if clicked else ""
    return {
        "subject": f"Get in touch: {campaign.title}, {watched}",
        "body": f'<p>{watched}{detail}. <a href="{escape(url)}">The video</a></p>',
        "due_at": moment(now(tx)).isoformat(timespec="seconds"),
    }


def _campaign(tx: Connection, video: VideoRow) -> Campaign | None:
    body = campaigns.body_of(tx, video.campaign, video.campaign_version)
    return parse_campaign(body, video.campaign) if body is not None else None


def _once(
    tx: Connection, video: VideoRow, kind: str, key: str, values: Mapping[str, JSON]
) -> list[str]:
    if changes.values_of(tx, video.connection_id, kind, key) is not None:
        return []
    change_id = changes.owe(
        tx,
        connection_id=video.connection_id,
        kind=kind,
        contact_id=video.contact_id or "",
        key=key,
        values=values,
    )
    return [change_id]
