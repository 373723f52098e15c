"""The one door to rendering: a storyboard goes in, a folder with a finished video comes out."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from renderers import captions, preview
from renderers.compose import Composer
from renderers.errors import RenderError
from renderers.heap import give_back
from renderers.look import look
from renderers.order import Made, Order, Renderer
from renderers.quality.findings import Finding
from renderers.shelved import open_shelf, stored_palette
from renderers.stitched import render_stitched
from renderers.storyboard import Storyboard

DEFAULT = "stitching"


@dataclass(frozen=True)
class Rendered:
    """A finished video with everything that is published beside it, and what was noticed."""

    folder: Path
    video: Path
    poster: Path
    poster_play: Path
    gif: Path
    captions: Path
    chapters: Path
    transcript: str
    duration: float
    width: int
    height: int
    fps: int
    manifest: list[dict[str, Any]]
    bytes: int
    findings: tuple[Finding, ...]


def render(
    storyboard: Storyboard,
    folder: Path,
    *,
    renderer: str = DEFAULT,
    compiled: Path | None = None,
    reuse: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Rendered:
    """Render a storyboard into a folder; a file there is either whole or absent.

    `compiled` is where what is made once per template is kept (without it, as long as this process
    lives); `reuse` says whether encoded scenes may serve several videos.
    """
    if renderer not in RENDERERS:
        raise RenderError(
            f"There is no renderer {renderer!r}; there are: {', '.join(RENDERERS)}.",
            reason="renderer_unknown",
        )
    folder.mkdir(parents=True, exist_ok=True)
    shelf = open_shelf(compiled or _passing(), storyboard)
    order = Order(Composer(storyboard), folder, shelf, reuse, progress)
    try:
        return _finished(order, RENDERERS[renderer](order))
    finally:
        give_back()


def _finished(order: Order, made: Made) -> Rendered:
    """Put everything beside the video that is published with it."""
    board, folder = order.board, order.folder
    palette = stored_palette(order.shelf, board)
    previews = preview.draw_previews(board, folder, order.composer, palette)
    return Rendered(
        folder=folder,
        video=made.video,
        poster=previews.poster,
        poster_play=previews.poster_play,
        gif=previews.gif,
        captions=_write(folder / "captions.vtt", captions.captions_vtt(board)),
        chapters=_write(folder / "chapters.vtt", captions.chapters_vtt(board)),
        transcript=captions.transcript(board),
        duration=board.duration,
        width=board.width,
        height=board.height,
        fps=board.fps,
        manifest=board.manifest(),
        bytes=made.video.stat().st_size,
        findings=look(order, made),
    )


def _reference(order: Order) -> Made:
    from renderers.reference import render_reference  # MoviePy takes long to import

    return render_reference(order)


def _write(target: Path, text: str) -> Path:
    work = target.with_name(f".{target.name}.tmp")
    work.write_text(text, encoding="utf-8")
    return work.replace(target)


@lru_cache(maxsize=1)
def _passing() -> Path:
    """Make a folder that disappears with this process."""
    folder = Path(tempfile.mkdtemp(prefix="cuereel-compiled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# name -> what makes video.mp4 in a folder; another renderer is one more row
RENDERERS: dict[str, Renderer] = {DEFAULT: render_stitched, "reference": _reference}
