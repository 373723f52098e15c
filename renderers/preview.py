"""Makes the stills and the moving preview that stand for a video in mails and on pages."""

import io
from dataclasses import dataclass
from pathlib import Path

import skia
from PIL import Image

from renderers.compose import Composer
from renderers.encode import placed
from renderers.gif import GIF_BYTES, GIF_SECONDS, moving_poster
from renderers.layers.stage import fill
from renderers.palette import Palette, palette_of
from renderers.sheet import GIF_SIDE, Sheet
from renderers.storyboard import Storyboard

__all__ = ["GIF_BYTES", "GIF_SECONDS", "GIF_SIDE", "Previews", "draw_previews"]

POSTER, PLAY_POSTER, GIF = "poster.jpg", "poster-play.jpg", "preview.gif"
_QUALITY = 88


@dataclass(frozen=True)
class Previews:
    """The files that stand for one video."""

    poster: Path
    poster_play: Path
    gif: Path


def draw_previews(
    board: Storyboard,
    folder: Path,
    composer: Composer | None = None,
    palette: Palette | None = None,
) -> Previews:
    """Write the poster, the poster with a play button, and the GIF of a video into a folder.

    `composer` may have its layers set up already; `palette` is the template's, if it was kept.
    """
    composer = composer or Composer(board)
    scene = composer.scene(composer.index(board.poster_frame))
    sheet = Sheet(scene, board, order=skia.kRGBA_8888_ColorType)
    sheet.draw(board.poster_frame - scene.scene.start_frame)
    contents = {POSTER: _jpeg(sheet)}
    _draw_play(sheet.surface.getCanvas(), board)
    contents[PLAY_POSTER] = _jpeg(sheet)
    contents[GIF] = moving_poster(board, scene, palette or palette_of(board))
    _write(folder, contents)
    return Previews(folder / POSTER, folder / PLAY_POSTER, folder / GIF)


def _jpeg(sheet: Sheet) -> bytes:
    buffer = io.BytesIO()
    # red first, the fourth byte skipped: what was drawn is encoded where it lies
    picture = Image.frombuffer("RGBX", sheet.size, sheet.pixels, "raw", "RGBX", 0, 1)
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _draw_play(canvas: skia.Canvas, board: Storyboard) -> None:
    side = min(board.width, board.height)
    radius, margin = side * 0.085, side * board.brand.margin / 720
    # at the lower left: in the middle it would cover the name that the poster is made for
    x, y = margin + radius, board.height - margin - radius
    colours = board.brand.colours
    canvas.drawCircle(x, y, radius * 1.08, fill(colours.bg))
    canvas.drawCircle(x, y, radius, fill(colours.accent))
    path = skia.Path()
    path.moveTo(x - radius * 0.28, y - radius * 0.45)
    path.lineTo(x + radius * 0.5, y)
    path.lineTo(x - radius * 0.28, y + radius * 0.45)
    path.close()
    canvas.drawPath(path, fill(colours.on_accent))


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    """Put whole files into their places; whoever publishes the folder sees to it that they last."""
    with placed(folder / "previews") as work:
        for name, content in contents.items():
            (work / name).write_bytes(content)
        for name in contents:
            (work / name).replace(folder / name)
