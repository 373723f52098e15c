"""
What a rep's pages say in plain words: who somebody is, what can be made, and what was made already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from connector.store import videos
from connector.store.clock import now
from connector.store.contacts import KnownContact
from connector.store.videos import VideoRow
from connector.web.card_facts import WITHOUT_LINK, choices
from connector.web.console.cards import Chip, chip_of, name_of
from connector.web.desk import Desk
from connector.web.screens import Screen, screen_of, shows_film, stored_key

POSTERS = ("poster-play.jpg", "poster.jpg")


@dataclass(frozen=True)
class Line:
    """One contact as it is found; *crm* is empty where there is only one to choose from."""

    connection_id: str
    id: str
    name: str
    detail: str
    initials: str
    crm: str
    chip: Chip | None


@dataclass(frozen=True)
class Offer:
    """One template: what it is called, and the page of the video that was made with it."""

    campaign: str
    title: str
    chip: Chip | None
    page: str


def line_of(person: KnownContact, titles: dict[str, str]) -> Line:
    """Return a contact as the pages show it."""
    fields = {**_said(person.newest), **person.fields}
    name = name_of(person.id, fields)
    detail = str(fields.get("email") or fields.get("company") or person.id)
    return Line(
        connection_id=person.connection_id,
        id=person.id,
        name=name,
        detail=detail if detail != name else "",
        initials="".join(part[0] for part in name.split()[:2]).upper(),
        crm=titles.get(person.connection_id, "") if len(titles) > 1 else "",
        chip=chip_of(person.newest.status) if person.newest else None,
    )


def offers_of(tx: Connection, here: Desk, person: KnownContact) -> list[Offer]:
    """Return the templates for a contact, each with the newest video that was made with it."""
    newest: dict[str, VideoRow] = {}
    for video in videos.of_contact(tx, person.connection_id, person.id):
        newest.setdefault(video.campaign, video)
    return [_offer(here, one, newest.get(one["value"]), now(tx)) for one in choices(tx)]


def picture_of(here: Desk, video: VideoRow | None, at: int) -> str:
    """Return the address of a video's picture on this host; empty where there is none."""
    if video is None or not shows_film(video, at):
        return ""
    name = next((one for one in POSTERS if stored_key(video, one)), "")
    return f"{_page(here, video)}/{name}" if name else ""


def _offer(here: Desk, choice: dict[str, str], video: VideoRow | None, at: int) -> Offer:
    shown = video is not None and video.status not in WITHOUT_LINK
    over = video is None or screen_of(video, at) in (Screen.OVER, Screen.UNAVAILABLE)
    page = _page(here, video) if video is not None and shown and not over else ""
    return Offer(choice["value"], choice["label"], chip_of(video.status) if video else None, page)


def _page(here: Desk, video: VideoRow) -> str:
    # on this host, whatever the link's: only here does the browser show that it is one of us
    return f"/v/{here.keyring.decrypt(video.token_sealed)}" if video.token_sealed else ""


def _said(video: VideoRow | None) -> dict[str, Any]:
    """Return what a video says of its viewer, without what only stood in for it."""
    if video is None:
        return {}
    slots = {name: slot for name, slot in video.slots.items() if name not in video.fallback_slots}
    return {
        name: slot.get("text") or slot.get("value")
        for name, slot in slots.items()
        if name in ("first_name", "last_name", "company") and isinstance(slot, dict)
    }
