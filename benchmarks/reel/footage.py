"""Films a ride past landscapes: texture that moves at three speeds, zooms, and carries grain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import skia
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from benchmarks.reel.pictures import as_bytes, fractal, landscape, shade

FPS, SECONDS = 30, 4
WIDTH, HEIGHT = 1280, 720
_WIDE = 1800  # how much of the world a pan may use
_SMOOTH = skia.SamplingOptions(skia.CubicResampler.Mitchell())
_TAGS = "colorprim=bt709:transfer=bt709:colormatrix=bt709"
_OPTIONS = {"preset": "fast", "crf": "18", "x264-params": _TAGS}


def write_footage(
    path: Path, *, seed: int, seconds: float = SECONDS, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> None:
    """Write a film of high quality, without sound."""
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=FPS, options=_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for pixels in _frames(seed, round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                *size,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def _frames(seed: int, count: int) -> Iterator[NDArray[np.uint8]]:
    far = _picture(landscape(seed, _WIDE, 1012), None)
    near = _reeds(seed)
    sprites = [_leaf(100 * seed + number) for number in range(6)]
    dark = shade(WIDTH)[None, :, None]
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 2.2, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)
    places = rng.random((len(sprites), 3))
    canvas_pixels = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
    surface = skia.Surface(canvas_pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    for number in range(count):
        _draw_world(surface.getCanvas(), far, near, number)
        for sprite, place in zip(sprites, places, strict=True):
            _draw_leaf(surface.getCanvas(), sprite, place, number)
        surface.flushAndSubmit()
        down, across = rng.integers(0, 64, 2)
        noise = grain[down : down + HEIGHT, across : across + WIDTH, None]
        lit = canvas_pixels[:, :, :3].astype(np.float32) * dark + noise
        yield np.clip(lit + 0.5, 0, 255).astype(np.uint8)


def _draw_world(canvas: skia.Canvas, far: skia.Image, near: skia.Image, number: int) -> None:
    zoom = 1.0 + 0.0012 * number
    width, height = WIDTH / zoom, HEIGHT / zoom
    view = skia.Rect.MakeXYWH(120 + 1.7 * number, 180 - 0.6 * number, width, height)
    canvas.drawImageRect(far, view, skia.Rect.MakeWH(WIDTH, HEIGHT), _SMOOTH)
    x = -(6.3 * number) % near.width()
    sway = 6 * np.sin(number / 9)
    for start in (x - near.width(), x):
        canvas.drawImage(near, float(start), HEIGHT - 190 + float(sway), _SMOOTH)


def _draw_leaf(
    canvas: skia.Canvas, leaf: skia.Image, place: NDArray[np.float64], number: int
) -> None:
    speed = 3 + 5 * place[2]
    x = (place[0] * 1600 - speed * number) % 1600 - 160
    y = place[1] * 520 + 24 * np.sin(number / (7 + 9 * place[2]) + 9 * place[0])
    canvas.save()
    canvas.translate(float(x), float(y))
    canvas.rotate(float(number * (1 + 3 * place[2])))
    canvas.drawImage(leaf, -leaf.width() / 2, -leaf.height() / 2, _SMOOTH)
    canvas.restore()


def _reeds(seed: int) -> skia.Image:
    """Draw a foreground that passes quickly: a textured band with a ragged upper edge."""
    rng = np.random.default_rng(seed + 50)
    width, height = 2400, 220
    texture = 1.1 * fractal(rng, width, height, 9, rough=0.88) - 0.2
    colour = np.asarray((0.75, 0.95, 0.6), dtype=np.float32)
    edge = 30 + 110 * fractal(rng, width, 8, 9)[0]
    alpha = np.clip(np.arange(height)[:, None] - edge[None, :], 0, 1).astype(np.float32)
    return _picture(texture[:, :, None] * colour, alpha)


def _leaf(seed: int) -> skia.Image:
    rng = np.random.default_rng(seed)
    side = int(rng.integers(40, 110))
    texture = 1.6 * fractal(rng, side, side, 5, rough=0.85) - 0.1
    colour = 0.5 + 0.5 * rng.random(3, dtype=np.float32)
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    alpha = np.clip((1 - rows**2 - (1.8 * columns) ** 2) * 6, 0, 1).astype(np.float32)
    return _picture(texture[:, :, None] * colour, alpha)


def _picture(pixels: NDArray[np.float32], alpha: NDArray[np.float32] | None) -> skia.Image:
    opaque = np.ones(pixels.shape[:2], dtype=np.float32) if alpha is None else alpha
    rgba = as_bytes(np.dstack([pixels, opaque]))
    return skia.Image.fromarray(rgba, colorType=skia.kRGBA_8888_ColorType)
