"""
What a card in a CRM's own screens says of one contact: the newest video, what was watched of it, the
videos before it, and which ones may be made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connector.decide.campaigns import Campaign, parse_campaign
from connector.errors import MappingError
from connector.measure.engagement import engagement
from connector.measure.fields import HUMAN, written
from connector.measure.tracking import IDENTIFIED
from connector.model import Outcome, VideoStatus
from connector.store import campaigns, decisions, sessions, tracking, videos
from connector.store.clock import moment, now
from connector.store.decisions import DecisionRow
from connector.store.sessions import SessionRow
from connector.store.videos import VideoRow
from connector.web.console.cards import WAITING, Chip, chip_of
from connector.web.desk import Desk
from connector.web.rep_copy import copies_of
from connector.web.screens import Screen, View, screen_of, view_of

MOST_VIDEOS = 5
# a card stands on a contact, so only what can be told from the contact can be made from there
KINDS = frozenset({"contact", "company"})
WITHOUT_LINK = frozenset({VideoStatus.FAILED, VideoStatus.REJECTED, VideoStatus.ERASED})
SENTENCES = {
    "": "No video was made for this contact yet.",
    "minted": "The link works; the video is made when it is opened.",
    "queued": "The video waits for its turn.",
    "rendering": "The video is being made.",
    "ready": "The video can be watched.",
    "approved": "Somebody looked at the video and approved it.",
    "ready_with_fallback": "The video can be watched; some values were filled with a default.",
    "needs_review": "Somebody has to look at the video in the console before it is shown.",
    "stale": "The video is being made afresh for whoever opened it.",
    "failed": "The video could not be made; the console says why.",
    "expired": "The link has run out.",
}


def card_of(tx: Connection, here: Desk, connection_id: str, contact_id: str) -> dict[str, Any]:
    """Return everything that the card shows, as JSON."""
    found = videos.of_contact(tx, connection_id, contact_id)
    own = [video for video in found if video.status != VideoStatus.ERASED]
    watched = _watched(tx, here, own)
    told = [_video(here, video, now(tx), watched) for video in own[:MOST_VIDEOS]]
    newest = own[0] if own else None
    return {
        **_standing(newest, _last_word(tx, connection_id, contact_id, newest)),
        **_links(here, newest, now(tx)),
        **_figures(watched, newest),
        "videos": told,
        "campaigns": choices(tx),
    }


def choices(tx: Connection) -> list[dict[str, str]]:
    """List the campaigns that can be made for a contact alone."""
    return [
        {"value": campaign.name, "label": campaign.title}
        for row in campaigns.active(tx)
        if (campaign := _readable(row.body, row.name)) and _about_contacts(campaign)
    ]


def _readable(text: str, name: str) -> Campaign | None:
    try:
        return parse_campaign(text, name)
    except MappingError:
        return None  # `cuereel check` names the mistake


def _about_contacts(campaign: Campaign) -> bool:
    return {word.partition(".")[0] for word in campaign.words()} <= KINDS


def _last_word(
    tx: Connection, connection_id: str, contact_id: str, newest: VideoRow | None
) -> DecisionRow | None:
    """Return the refusal that came after the newest video; who is held out stays inside."""
    for row in decisions.of_contact(tx, connection_id, contact_id, MOST_VIDEOS):
        if row.outcome == Outcome.SEND or (newest and row.decided_at <= newest.minted_at):
            return None
        if row.outcome != Outcome.HOLDOUT:
            return row
    return None


def _standing(newest: VideoRow | None, refusal: DecisionRow | None) -> dict[str, Any]:
    status = refusal.outcome if refusal else newest.status if newest else ""
    sentence = refusal.sentence if refusal else newest.sentence if newest else ""
    chip = chip_of(status) or Chip("No video yet", "quiet")
    return {
        "status": status,
        "label": chip.label,
        "tone": chip.tone,
        "sentence": sentence or SENTENCES.get(status, ""),
        "waiting": status in WAITING,
    }


def _links(here: Desk, newest: VideoRow | None, at: int) -> dict[str, str]:
    link = _link(here, newest, at) if newest else ""
    if newest is None or not link:
        return dict.fromkeys(("link", "thumbnail", "email_html", "email_moving", "email_text"), "")
    view = view_of(newest, at, here.settings)
    copies = copies_of(view, link)
    # with a picture that stands still, or without one; moving only where nothing else was made
    usual = next(iter(copies.values()))
    return {
        "link": link,
        "thumbnail": _thumbnail(view, link),
        "email_html": usual.html,
        "email_moving": copies["moving"].html if "moving" in copies else "",
        "email_text": usual.text,
    }


def _link(here: Desk, video: VideoRow, at: int) -> str:
    over = screen_of(video, at) is Screen.OVER
    if over or video.status in WITHOUT_LINK or not video.token_sealed:
        return ""
    return f"{here.settings.base_url}/v/{here.keyring.decrypt(video.token_sealed)}"


def _thumbnail(view: View, link: str) -> str:
    shown = view.film and "poster.jpg" in view.files
    return f"{link}/poster.jpg" if shown else ""


def _video(
    here: Desk, video: VideoRow, at: int, watched: Mapping[str, Sequence[SessionRow]]
) -> dict[str, Any]:
    chip = chip_of(video.status) or Chip("Unknown", "quiet")
    return {
        "id": video.id,
        "title": video.campaign.replace("_", " ").capitalize(),
        "label": chip.label,
        "tone": chip.tone,
        "link": _link(here, video, at),
        "percent": _percent(watched.get(video.id, ())),
        "made": written(moment(video.minted_at)),
    }


def _watched(
    tx: Connection, here: Desk, own: Sequence[VideoRow]
) -> Mapping[str, Sequence[SessionRow]]:
    """Return the sessions of verified people by video, as far as they may be told of."""
    if not own or tracking.mode_of_video(tx, here.settings.tracking, own[0]) != IDENTIFIED:
        return {}
    by_video: dict[str, list[SessionRow]] = {}
    for row in sessions.of_videos(tx, [video.id for video in own]):
        if row.viewed and row.viewer == HUMAN and row.told:
            by_video.setdefault(row.video_id, []).append(row)
    return by_video


def _figures(
    watched: Mapping[str, Sequence[SessionRow]], newest: VideoRow | None
) -> dict[str, Any]:
    """Count views over all videos, and how much of the newest one was seen; unknown is null."""
    every = [row for rows in watched.values() for row in rows]
    last = max((row.last_at for row in every), default=None)
    return {
        "views": len(every) or None,
        "percent": _percent(watched.get(newest.id, ())) if newest else None,
        "last_viewed": None if last is None else written(moment(last)),
    }


def _percent(rows: Sequence[SessionRow]) -> int | None:
    if not rows:
        return None
    played = [(start, end, rate) for row in rows for start, end, rate in row.played]
    return engagement(played, max(row.duration_ms for row in rows) / 1000).percent
