"""
An instant renderer for tests: the storyboard is real, the film is one that was made beforehand.

It is put into the renderer's table by tests only, so that the road can be travelled in milliseconds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from renderers import preview, render
from renderers.storyboard import Storyboard

NAME = "instant"


@functools.cache
def film(seconds: float = 1.0) -> bytes:
    """Return a tiny real MP4 with picture and no sound."""
    import io

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(int(seconds * 10)):
            picture = np.full((36, 64, 3), number * 20 % 255, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _film(storyboard: Storyboard, folder: Path, progress: Callable[[float], None] | None) -> Path:
    path = folder / "video.mp4"
    path.write_bytes(film())
    if progress:
        progress(1.0)
    return path


def _picture(storyboard: Storyboard, folder: Path, *, play: bool = False) -> Path:
    path = folder / ("poster-play.jpg" if play else "poster.jpg")
    path.write_bytes(b"\xff\xd8\xff\xd9")
    return path


def _gif(storyboard: Storyboard, folder: Path) -> Path:
    path = folder / "preview.gif"
    path.write_bytes(b"GIF89a")
    return path


def install() -> None:
    """Add the row, and make poster and GIF instant too."""
    render.RENDERERS[NAME] = _film
    preview.write_poster = _picture
    preview.write_gif = _gif
