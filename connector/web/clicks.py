"""
Clicks on the calls to action: once per session and button, however often it is pressed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from connector.errors import SignatureError
from connector.measure.tracking import OFF, strictest
from connector.store import curves, sessions
from connector.store.clock import now
from connector.store.sessions import CTA_CLICK, Event, SessionRow
from connector.store.videos import VideoRow
from connector.web.desk import Desk
from connector.web.visits import asked_for
from connector.web.wire import Ticket, read_ticket

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
NO_COUNTS = bytes(100)


def count(here: Desk, video: VideoRow, key: str, session_id: str, token: str) -> bool:
    """
    Remember a click on the call to action *key* in the session that the page's form names.

    Returns False where it is not counted.

    A page without its script knows no session, so its ticket, which is new with every load, stands
    in for one.
    """
    try:
        ticket = read_ticket(here.keyring, token)
    except SignatureError:
        return False
    mode = strictest(here.settings.tracking, ticket.m, asked_for())
    if mode == OFF or ticket.v != video.id:
        return False
    scripted = ULID.fullmatch(session_id) is not None
    own_id = session_id if scripted else _code("page", token)
    with here.store.write() as tx:
        # beacons that are being stored are waited for: the session may be one of theirs
        shown = sessions.shown(tx, [video.id])
        before = sessions.by_ids(tx, [own_id]).get(own_id)
        row = before or _blank(own_id, video, now(tx), ticket, scripted=scripted)
        if shown[video.id].refused or not sessions.begin(tx, row):
            return False
        after = replace(row, clicked=True, tracking=strictest(row.tracking, mode))
        sessions.change(tx, own_id, clicked=True, tracking=after.tracking)
        click = Event(_code(CTA_CLICK, own_id, key), own_id, video.id, CTA_CLICK, 0, key)
        sessions.note(tx, [click])
        sessions.owe_measure(tx, [video.id], here.settings.coalesce_seconds)
        curves.add(tx, curves.difference(shown, [(before, after)]))
    return True


def _code(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _blank(
    own_id: str, video: VideoRow, moment: int, ticket: Ticket, *, scripted: bool
) -> SessionRow:
    duration = float((video.receipt or {}).get("duration") or 0)
    return SessionRow(
        id=own_id,
        video_id=video.id,
        sequence=0,
        first_at=moment,
        last_at=moment,
        duration_ms=round(duration * 1000),
        segments=[],
        counts=NO_COUNTS,
        unique_ms=0,
        watch_ms=0,
        furthest_ms=0,
        last_ms=0,
        viewed=False,
        viewer="self" if ticket.own else "unknown",
        score=0,
        reasons=[],
        flags={} if scripted else {"script": 0},
        version=ticket.n,
    )
