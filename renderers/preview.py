"""Makes the still and the moving preview that stand for a video in mails and on pages."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skia
from PIL import Image

from renderers.compose import Composer, Frame
from renderers.encode import placed, settle
from renderers.layers.stage import fill
from renderers.storyboard import Storyboard

POSTER, PLAY_POSTER, GIF = "poster.jpg", "poster-play.jpg", "preview.gif"
GIF_BYTES = 500_000
GIF_SIDE, GIF_SECONDS = 480, 3.0
_QUALITY = 88
# (frames a second, colours): tried in this order until the GIF is small enough
_GIF_TRIES = ((10, 128), (8, 64), (6, 32), (4, 16), (2, 8), (1, 4))


def write_poster(board: Storyboard, folder: Path, *, play: bool = False) -> Path:
    """Write the poster's frame as JPEG; `play` adds a play button, in a file of its own."""
    frame = Composer(board).frame(board.poster_frame)
    target = folder / (PLAY_POSTER if play else POSTER)
    content = _jpeg(_with_play(frame, board) if play else frame)
    _write(target, content)
    return target


def write_gif(board: Storyboard, folder: Path) -> Path:
    """Write about three seconds as an endless GIF whose first frame is the complete poster."""
    composer = Composer(board)
    content = b""
    for rate, colours in _GIF_TRIES:
        content = _gif([_small(composer.frame(n)) for n in _moments(board, rate)], rate, colours)
        if len(content) <= GIF_BYTES:
            break
    target = folder / GIF
    _write(target, content)
    return target


def _moments(board: Storyboard, rate: int) -> list[int]:
    """Choose frames: the poster is held, then the video goes on from there, round to its start."""
    count = round(GIF_SECONDS * rate)
    held = round(rate * 1.4)
    step = board.fps / rate
    return [
        (board.poster_frame + round(max(index - held, 0) * step)) % board.frames
        for index in range(count)
    ]


def _small(frame: Frame) -> Image.Image:
    image = Image.fromarray(frame)
    share = min(GIF_SIDE / max(image.size), 1.0)
    size = (round(image.width * share), round(image.height * share))
    return image.resize(size, Image.Resampling.LANCZOS)


def _gif(frames: Sequence[Image.Image], rate: int, colours: int) -> bytes:
    palette = _palette(frames, colours)
    mapped = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    buffer = io.BytesIO()
    mapped[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=mapped[1:],
        duration=round(1000 / rate),
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _palette(frames: Sequence[Image.Image], colours: int) -> Image.Image:
    """Find one palette for the first, middle and last frame, so that colours do not flicker."""
    chosen = [frames[0], frames[len(frames) // 2], frames[-1]]
    sheet = Image.fromarray(np.concatenate([np.asarray(frame) for frame in chosen]))
    return sheet.quantize(colours, method=Image.Quantize.MEDIANCUT)


def _jpeg(frame: Frame) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _with_play(frame: Frame, board: Storyboard) -> Frame:
    pixels = np.dstack([frame, np.full(frame.shape[:2], 255, dtype=np.uint8)]).copy()
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    side = min(board.width, board.height)
    radius, margin = side * 0.085, side * board.brand.margin / 720
    # at the lower left: in the middle it would cover the name that the poster is made for
    canvas, x, y = surface.getCanvas(), margin + radius, board.height - margin - radius
    colours = board.brand.colours
    canvas.drawCircle(x, y, radius * 1.08, fill(colours.bg))
    canvas.drawCircle(x, y, radius, fill(colours.accent))
    path = skia.Path()
    path.moveTo(x - radius * 0.28, y - radius * 0.45)
    path.lineTo(x + radius * 0.5, y)
    path.lineTo(x - radius * 0.28, y + radius * 0.45)
    path.close()
    canvas.drawPath(path, fill(colours.on_accent))
    surface.flushAndSubmit()
    return np.ascontiguousarray(pixels[:, :, :3])


def _write(target: Path, content: bytes) -> None:
    with placed(target) as work:
        made = work / target.name
        made.write_bytes(content)
        settle(made, target)
