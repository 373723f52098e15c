"""Paint the landscape that stands for photographs and footage in the template guide's pictures.

Everything is drawn from seeded noise, the same every time, so that no photograph has to be kept.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skia
from numpy.typing import NDArray

SKY = ("#2d5a78", "#7fa3ad", "#f3c58f", "#fbe6c4")
SUN = "#fff4d8"
# distance -> colours of a ridge at its top and at its foot, height, roughness and seed
RIDGES = (
    (0.10, "#9fb0b2", "#e3cdab", 0.52, 2.5, 3),
    (0.25, "#728f96", "#b9bfae", 0.37, 3.5, 11),
    (0.50, "#41666a", "#7f9a8c", 0.24, 5.0, 29),
    (0.80, "#1f4343", "#2f5a50", 0.13, 7.0, 41),
)
FILM_SIZE, FILM_FRAMES, FILM_RATE = (640, 360), 24, 12


def landscape(width: int, height: int, *, sun: float = 0.62, pan: float = 0.0) -> skia.Image:
    """Paint mountains over a lake; *pan* moves the camera to the right, near things more."""
    surface = skia.Surface(width, height)
    canvas, shore = surface.getCanvas(), height * 0.66
    _above(canvas, width, height, shore, (sun, pan))
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(0, shore, width, height))
    canvas.translate(0, 2 * shore)
    canvas.scale(1, -1)
    _above(canvas, width, height, shore, (sun, pan))
    canvas.restore()
    _water(canvas, width, height, shore, sun)
    _pines(canvas, width, height, pan)
    return surface.makeImageSnapshot()


def write_film(path: Path) -> None:
    """Write two seconds of the landscape passing by, as footage of a template."""
    width, height = FILM_SIZE
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=FILM_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, FILM_RATE)
        for number in range(FILM_FRAMES):
            picture = landscape(width, height, sun=0.7, pan=0.5 * number / FILM_FRAMES)
            pixels = np.ascontiguousarray(picture.toarray(colorType=skia.kRGBA_8888_ColorType))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba")
            for packet in stream.encode(frame.reformat(format="yuv420p")):
                film.mux(packet)
        for packet in stream.encode(None):
            film.mux(packet)


def _above(
    canvas: skia.Canvas, width: int, height: int, shore: float, view: tuple[float, float]
) -> None:
    """Paint what stands above the shore: sky, sun, and ridges from far to near."""
    sun, pan = view
    canvas.drawPaint(_downwards(0, shore, SKY))
    x, y, radius = width * (sun - 0.04 * pan), shore * 0.44, min(width, height) * 0.06
    glow = skia.GradientShader.MakeRadial(
        center=skia.Point(x, y), radius=radius * 6, colors=[_colour(SUN, 190), _colour(SUN, 0)]
    )
    canvas.drawPaint(skia.Paint(Shader=glow))
    canvas.drawCircle(x, y, radius, skia.Paint(Color=_colour(SUN), AntiAlias=True))
    for near, top, foot, tall, rough, seed in RIDGES:
        line = shore * (1 - tall * _noise(width, seed, rough, near * pan))
        peak = float(line.min())
        path = skia.Path()
        path.addPoly([skia.Point(i, float(v)) for i, v in enumerate(line)], False)
        path.lineTo(width, float(line[-1]))
        path.lineTo(width, shore)
        path.lineTo(0, shore)
        path.close()
        canvas.drawPath(path, _downwards(peak, shore, (top, foot)))


def _water(canvas: skia.Canvas, width: int, height: int, shore: float, sun: float) -> None:
    """Darken the mirrored half towards the viewer and lay the sun's road on it."""
    tint = skia.GradientShader.MakeLinear(
        points=[skia.Point(0, shore), skia.Point(0, height)],
        colors=[_colour("#274f5e", 60), _colour("#123440", 215)],
    )
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(0, shore, width, height))
    canvas.drawPaint(skia.Paint(Shader=tint))
    mist = skia.Rect.MakeLTRB(0, shore, width, shore + height * 0.004)
    canvas.drawRect(mist, skia.Paint(Color=_colour("#d8e0d2", 110)))
    chance = np.random.default_rng(5)
    for share in np.linspace(0.06, 0.95, 22):
        y = shore + (height - shore) * float(share) ** 1.4
        x = width * sun + float(chance.normal(0, 0.02)) * width
        half = width * (0.015 + 0.075 * float(share)) * float(chance.uniform(0.5, 1))
        paint = skia.Paint(Color=_colour(SUN, 110), AntiAlias=True)
        canvas.drawOval(skia.Rect.MakeLTRB(x - half, y, x + half, y + height * 0.006), paint)
    canvas.restore()


def _pines(canvas: skia.Canvas, width: int, height: int, pan: float) -> None:
    """Frame the view with trees on the near bank, left and right."""
    chance, side = np.random.default_rng(17), min(width, height)
    paint = skia.Paint(Color=_colour("#0e2a2a"), AntiAlias=True)
    for share in (-0.02, 0.03, 0.075, 0.13, 0.17, 0.22, 0.84, 0.90, 0.95, 1.0, 1.06, 1.3, 1.4):
        tall = side * float(chance.uniform(0.3, 0.58))
        canvas.drawPath(_pine(width * (share - 0.9 * pan), height * 1.02, tall), paint)
    bank = skia.Path()
    bank.moveTo(0, height * 0.93)
    bank.quadTo(width * 0.3, height * 0.985, width * 0.55, height * 0.975)
    bank.quadTo(width * 0.8, height * 0.965, width, height * 0.92)
    bank.lineTo(width, height)
    bank.lineTo(0, height)
    bank.close()
    canvas.drawPath(bank, paint)


def _pine(x: float, foot: float, tall: float) -> skia.Path:
    tiers, path = 9, skia.Path()
    path.moveTo(x, foot - tall)
    right, left = [], []
    for tier in range(1, tiers + 1):
        y, out = foot - tall * (1 - tier / tiers), tall * 0.17 * tier / tiers
        right += [(x + out, y), (x + out * 0.45, y - tall * 0.012)]
        left += [(x - out * 0.92, y - tall * 0.01), (x - out * 0.4, y - tall * 0.02)]
    for point in [*right, *reversed(left)]:
        path.lineTo(*point)
    path.close()
    return path


def _noise(width: int, seed: int, rough: float, moved: float) -> NDArray[np.float64]:
    """Make the outline of a ridge between 0 and 1, wider than the picture so that it can move."""
    chance = np.random.default_rng(seed)
    x = np.linspace(0, 1, width) + moved
    total, most = np.zeros(width), 0.0
    for octave in range(7):
        points = chance.random(256)
        places = x * rough * 2**octave
        ridged = 1 - np.abs(2 * np.interp(places, np.arange(256), points) - 1)
        total += ridged * 0.5**octave
        most += 0.5**octave
    return total / most


def _downwards(top: float, foot: float, colours: tuple[str, ...]) -> skia.Paint:
    shader = skia.GradientShader.MakeLinear(
        points=[skia.Point(0, top), skia.Point(0, foot)], colors=[_colour(c) for c in colours]
    )
    return skia.Paint(Shader=shader, AntiAlias=True)


def _colour(value: str, alpha: int = 255) -> int:
    return int(skia.Color(*bytes.fromhex(value[1:]), alpha))
