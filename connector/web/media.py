"""
Hands stored files to players: any range of bytes, answered from a folder or an object store alike.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

from flask import Response, request
from werkzeug.wsgi import wrap_file

from connector.publish import Files, Stored, media_type

CHUNK = 256 * 1024


def send_stored(files: Files, key: str) -> Response | None:
    """Return the whole file or the range that is asked for; None where it is not there."""
    stored = files.stat(key)
    if stored is None:
        return None
    path = files.path(key)
    body = path.open("rb") if path else io.BufferedReader(_Remote(files, key, stored.size), CHUNK)
    response = Response(wrap_file(request.environ, body, CHUNK), direct_passthrough=True)
    response.content_type = media_type(key)
    response.content_length = stored.size
    return _conditional(response, stored)


def _conditional(response: Response, stored: Stored) -> Response:
    response.set_etag(stored.etag)
    response.last_modified = datetime.fromtimestamp(stored.modified, UTC)
    # a video may be rendered anew behind the same address, so the browser must ask
    response.headers["Cache-Control"] = "private, no-cache"
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=stored.size)
    except BaseException:
        response.close()
        raise
    return response


class _Remote(io.RawIOBase):
    """A file in an object store that is read piece by piece, where the player needs it."""

    def __init__(self, files: Files, key: str, size: int) -> None:
        super().__init__()
        self._files, self._key, self._size, self._place = files, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._size - self._place)
        if length <= 0:
            return 0
        part = self._files.read(self._key, self._place, length)
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)
