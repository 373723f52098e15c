"""
Hands stored files to players: any range of bytes, answered from a folder or an object store alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Response, request

from connector.publish import Files, Stored, media_type

CHUNK = 256 * 1024


def send_stored(files: Files, key: str) -> Response | None:
    """Return the whole file or the range that is asked for; None where it is not there."""
    stored = files.stat(key)
    if stored is None:
        return None
    response = Response(_Parts(files, key, stored.size), direct_passthrough=True)
    response.content_type = media_type(key)
    response.content_length = stored.size
    return _conditional(response, stored)


def _conditional(response: Response, stored: Stored) -> Response:
    response.set_etag(stored.etag)
    response.last_modified = datetime.fromtimestamp(stored.modified, UTC)
    # a video may be rendered anew behind the same address, so the browser must ask
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request.environ, accept_ranges=True, complete_length=stored.size)
    return response


class _Parts(Iterator[bytes]):
    """
    A file, piece by piece, from wherever the range begins.

    No file stays open between two pieces: players hold their connections for as long as a film
    lasts, and drop them when they like.
    """

    def __init__(self, files: Files, key: str, size: int) -> None:
        self._files, self._key, self._size, self._place = files, key, size, 0

    def seekable(self) -> bool:
        return True

    def seek(self, place: int) -> None:
        self._place = place

    def tell(self) -> int:
        return self._place

    def __next__(self) -> bytes:
        length = min(CHUNK, self._size - self._place)
        part = self._files.read(self._key, self._place, length) if length > 0 else b""
        if not part:
            raise StopIteration
        self._place += len(part)
        return part
