"""
Which part of a long list is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, request
from sqlalchemy import Connection

from connector.store.videos import VideoRow
from connector.web.console.door import signed_in
from connector.web.review import find

LAST_PAGE = 100_000


@dataclass(frozen=True)
class Pages:
    """Where one is in a list: pages count from 1."""

    number: int
    last: int
    first_row: int
    last_row: int


def page_number() -> int:
    """Return the page that is asked for."""
    text = request.args.get("page", "1")
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < 7 else 1
    return max(1, min(LAST_PAGE, number))


def pages(total: int, per_page: int, number: int) -> Pages:
    """Return where page *number* stands in a list of *total* rows."""
    last = max(1, -(-total // per_page))
    first_row = (number - 1) * per_page + 1
    return Pages(number, last, first_row, min(total, first_row + per_page - 1))


def video_or_404(tx: Connection, video_id: str) -> VideoRow:
    """Return a video that the signed-in user may see, or answer that there is none."""
    video = find(tx, video_id)
    return video if video is not None and signed_in().sees(video.connection_id) else abort(404)
