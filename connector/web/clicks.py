"""
Clicks on the call to action: once per session, however often the button is pressed.
"""

from __future__ import annotations

import hashlib
import re

from connector.errors import SignatureError
from connector.store import sessions
from connector.store.clock import now
from connector.store.sessions import CTA_CLICK, Event, SessionRow
from connector.store.videos import VideoRow
from connector.web.desk import Desk
from connector.web.wire import Ticket, read_ticket

CTA = "main"
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
NO_COUNTS = bytes(100)


def count(here: Desk, video: VideoRow, session_id: str, token: str) -> bool:
    """
    Remember a click of the session that the page's form names; False where it is not counted.

    A page without its script knows no session, so its ticket, which is new with every load, stands
    in for one.
    """
    try:
        ticket = read_ticket(here.keyring, token)
    except SignatureError:
        return False
    if here.settings.tracking == "off" or ticket.v != video.id:
        return False
    scripted = ULID.fullmatch(session_id) is not None
    own_id = session_id if scripted else _code("page", token)
    with here.store.write() as tx:
        row = _blank(own_id, video, now(tx), ticket, scripted=scripted)
        if not sessions.begin(tx, row):
            return False
        click = Event(_code(CTA_CLICK, own_id, CTA), own_id, video.id, CTA_CLICK, 0, CTA)
        sessions.note(tx, [click])
        sessions.owe_measure(tx, [video.id], here.settings.coalesce_seconds)
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
