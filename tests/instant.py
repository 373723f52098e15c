"""
An instant renderer for tests: the storyboard is real, the film is one that was made beforehand.

It takes the default renderer's place in tests only, so that the road can be travelled in
milliseconds; poster, GIF and the look at the finished video are instant too.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from renderers import preview, render
from renderers.order import VIDEO, Made, Order
from renderers.preview import Previews
from renderers.quality.findings import Finding
from renderers.quality.seen import FileSeen
from renderers.storyboard import Storyboard


@functools.cache
def film(seconds: float = 1.0) -> bytes:
    """Return a tiny real MP4 with picture and no sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(int(seconds * 10)):
            picture = np.full((36, 64, 3), number * 20 % 255, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def make(order: Order) -> Made:
    """Put the film where the video is wanted."""
    path = order.folder / VIDEO
    path.write_bytes(film())
    order.tell(1.0)
    return Made(path, FileSeen(10, 1.0, 64, 36, sets_alike=True, sound=None))


def _previews(_board: Storyboard, folder: Path, *_known: object) -> Previews:
    made = Previews(folder / "poster.jpg", folder / "poster-play.jpg", folder / "preview.gif")
    for path in (made.poster, made.poster_play):
        path.write_bytes(b"\xff\xd8\xff\xd9")
    made.gif.write_bytes(b"GIF89a")
    return made


def _nothing_found(_order: Order, _made: Made) -> tuple[Finding, ...]:
    return ()


def _no_palette(*_known: object) -> None:
    return None


def install(put: Callable[[object, str, object], None] = setattr) -> None:
    """Take the default renderer's place; *put* may be a way to set that is undone later."""
    put(render, "RENDERERS", {**render.RENDERERS, render.DEFAULT: make})
    put(render, "look", _nothing_found)
    put(render, "stored_palette", _no_palette)
    put(preview, "draw_previews", _previews)
