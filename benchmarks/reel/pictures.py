"""Draws landscapes with the detail of photographs: fractal noise, ridges, grain. No file needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
WIDTH, HEIGHT = 1920, 1080  # as from a camera: every renderer has to scale them down
_SKIES = ((0.45, 0.62, 0.80), (0.85, 0.60, 0.42), (0.70, 0.66, 0.55), (0.55, 0.72, 0.62),
          (0.25, 0.28, 0.45))  # fmt: skip
_LANDS = ((0.26, 0.38, 0.42), (0.42, 0.32, 0.28), (0.52, 0.38, 0.26), (0.34, 0.50, 0.28),
          (0.20, 0.24, 0.38))  # fmt: skip


def write_picture(path: Path, *, seed: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Write one landscape as JPEG, the form in which photographs come."""
    pixels = landscape(seed, *size) * shade(size[0])[None, :, None]
    grain = np.random.default_rng(1000 + seed).normal(0, 0.008, pixels.shape[:2])
    pixels += grain[:, :, None].astype(np.float32)
    Image.fromarray(as_bytes(pixels)).save(path, "JPEG", quality=92)


def landscape(seed: int, width: int, height: int) -> NDArray[np.float32]:
    """Draw sky, clouds and four ridges, each with a texture of its own, as RGB from 0 to 1."""
    rng = np.random.default_rng(seed)
    sky = np.asarray(_SKIES[seed % len(_SKIES)], dtype=np.float32)
    land = np.asarray(_LANDS[seed % len(_LANDS)], dtype=np.float32)
    fall = np.linspace(1.05, 0.8, height, dtype=np.float32)[:, None, None]
    clouds = (fractal(rng, width, height, 7, rough=0.6) - 0.5)[:, :, None] * 0.6
    pixels: NDArray[np.float32] = sky * fall + clouds
    rows = np.arange(height, dtype=np.float32)[:, None]
    for layer in range(4):
        line = (0.42 + 0.13 * layer + 0.22 * (fractal(rng, width, 8, 5)[0] - 0.5)) * height
        texture = _rock(rng, width, height)
        near = (layer + 1) / 4
        colour = land * near + sky * (1 - near) * 0.8
        covered = np.clip(rows - line[None, :], 0, 1)[:, :, None]
        pixels = pixels * (1 - covered) + colour * texture[:, :, None] * covered
    return pixels


def _rock(rng: np.random.Generator, width: int, height: int) -> Plane:
    """Make creases with hard edges at every scale, which is what encoders pay for."""
    creased = 1 - np.abs(2 * fractal(rng, width, height, 6, rough=0.7) - 1) * 3.5
    fine = (fractal(rng, width, height, 10, rough=0.97) - 0.5) * 5
    rock: Plane = np.clip(0.25 + 0.75 * creased + fine, 0.05, 2.2)
    return rock


def fractal(
    rng: np.random.Generator, width: int, height: int, octaves: int, *, rough: float = 0.5
) -> Plane:
    """Sum noise of ever finer grids, each `rough` times as strong, to values about 0 to 1."""
    total = np.zeros((height, width), dtype=np.float32)
    strength = (1 - rough) / (1 - rough**octaves)
    for octave in range(octaves):
        across = 4 << octave
        down = max(round(across * height / width), 2)
        grid = Image.fromarray(rng.random((down, across), dtype=np.float32))
        total += strength * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC))
        strength *= rough
    return total


def shade(width: int) -> Plane:
    """Darken the side on which the text stands, as a designer would in the picture itself."""
    share = np.linspace(0, 1, width, dtype=np.float32)
    return np.interp(share, [0.0, 0.55, 1.0], [0.34, 0.42, 1.0]).astype(np.float32)


def as_bytes(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn values from 0 to 1 into bytes."""
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)
