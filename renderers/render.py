"""The one door to rendering: a storyboard goes in, a folder with a finished video comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from renderers import captions, preview
from renderers.encode import placed, settle
from renderers.errors import RenderError
from renderers.storyboard import Storyboard

Renderer = Callable[[Storyboard, Path, Callable[[float], None] | None], Path]


@dataclass(frozen=True)
class Rendered:
    """A finished video with everything that is published beside it."""

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


def render(
    storyboard: Storyboard,
    folder: Path,
    *,
    renderer: str = "reference",
    progress: Callable[[float], None] | None = None,
) -> Rendered:
    """Render a storyboard into a folder; a file there is either whole or absent."""
    if renderer not in RENDERERS:
        raise RenderError(
            f"There is no renderer {renderer!r}; there are: {', '.join(RENDERERS)}.",
            reason="renderer_unknown",
        )
    folder.mkdir(parents=True, exist_ok=True)
    video = RENDERERS[renderer](storyboard, folder, progress)
    return Rendered(
        folder=folder,
        video=video,
        poster=preview.write_poster(storyboard, folder),
        poster_play=preview.write_poster(storyboard, folder, play=True),
        gif=preview.write_gif(storyboard, folder),
        captions=_write(folder / "captions.vtt", captions.captions_vtt(storyboard)),
        chapters=_write(folder / "chapters.vtt", captions.chapters_vtt(storyboard)),
        transcript=captions.transcript(storyboard),
        duration=storyboard.duration,
        width=storyboard.width,
        height=storyboard.height,
        fps=storyboard.fps,
        manifest=storyboard.manifest(),
        bytes=video.stat().st_size,
    )


def _reference(
    storyboard: Storyboard, folder: Path, progress: Callable[[float], None] | None
) -> Path:
    from renderers.reference import render_reference  # MoviePy takes long to import

    return render_reference(storyboard, folder, progress)


def _write(target: Path, text: str) -> Path:
    with placed(target) as work:
        made = work / target.name
        made.write_text(text, encoding="utf-8")
        settle(made, target)
    return target


# name -> what makes video.mp4 in a folder; another renderer is one more row
RENDERERS: dict[str, Renderer] = {"reference": _reference}
