"""Looks at what the contestants made: whether they show the same film, and how well ours holds."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.reel import board_of
from benchmarks.render_peers.bare_encoder import as_yuv
from renderers.compose import Composer
from renderers.storyboard import Storyboard

Luma = NDArray[np.float32]
SAME_DB = 28.0  # below this, two pictures do not show the same
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) * np.float32(219 / 255)


@dataclass
class Error:
    """The squared error of many frames."""

    total: float = 0.0
    pixels: int = 0

    def add(self, one: Luma, other: Luma) -> None:
        """Compare one more frame."""
        self.total += float(np.sum((one - other) ** 2, dtype=np.float64))
        self.pixels += one.size

    @property
    def psnr_db(self) -> float:
        """Return the peak signal-to-noise ratio of all frames together."""
        mean = self.total / max(self.pixels, 1)
        return 10 * math.log10(255**2 / mean) if mean else 99.0


def main(folder: str, number: str, height: str, ours: str, *peers: str) -> None:
    """Print our quality, that of a whole encode of the same frames, and each peer's likeness."""
    board = board_of(Path(folder), int(number), height=int(height))
    held, whole, size = quality(board, Path(ours))
    result = {
        "psnr_db": held,
        "whole_psnr_db": whole,
        "whole_bytes": size,
        "likeness": {Path(peer).stem: likeness(board, Path(ours), Path(peer)) for peer in peers},
    }
    print(json.dumps(result))


def quality(board: Storyboard, ours: Path) -> tuple[float, float, int]:
    """Compare all frames with the drawn ones: ours, and one veryfast crf 23 encode of them all."""
    held, whole, composer = Error(), Error(), Composer(board)
    encoder = _Whole(board)
    film = lumas(ours)
    waiting: list[Luma] = []
    for number in range(board.frames):
        pixels = composer.frame(number)
        waiting.append(ideal(pixels))
        held.add(waiting[-1], next(film))
        for decoded in encoder.add(pixels):
            whole.add(waiting.pop(0), decoded)
    for decoded in encoder.rest():
        whole.add(waiting.pop(0), decoded)
    if waiting or next(film, None) is not None:
        raise ValueError(f"{ours} has not the {board.frames} frames of its storyboard")
    return held.psnr_db, whole.psnr_db, encoder.bytes


def ideal(pixels: NDArray[np.uint8]) -> Luma:
    """Compute the brightness of a drawn frame in limited-range bt709, not rounded."""
    bright: Luma = pixels.astype(np.float32) @ _WEIGHTS + np.float32(16)
    return bright


def likeness(board: Storyboard, ours: Path, peer: Path) -> dict[str, float]:
    """Compare a peer's film with ours in the middle of each scene."""
    middles = {scene.start_frame + scene.frames // 2: scene.name for scene in board.scenes}
    found: dict[str, float] = {}
    for number, (one, other) in enumerate(zip(lumas(ours), lumas(peer), strict=False)):
        if number in middles:
            error = Error()
            error.add(one, other)
            found[middles[number]] = round(error.psnr_db, 2)
    if len(found) != len(middles):
        raise ValueError(f"{peer} is too short")
    return found


def lumas(path: Path) -> Iterator[Luma]:
    """Decode a film; only brightness is looked at."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield _luma(frame)


def _luma(frame: av.VideoFrame) -> Luma:
    plane = frame.planes[0]
    content = np.frombuffer(memoryview(plane), dtype=np.uint8)
    rows: NDArray[np.uint8] = content.reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width].astype(np.float32)


class _Whole:
    """One encode of every frame by the peers' recipe, decoded again as it goes."""

    def __init__(self, board: Storyboard) -> None:
        self.bytes = 0
        self._number = 0
        self._encoder = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height = board.width, board.height
        self._encoder.pix_fmt, self._encoder.framerate = "yuv420p", Fraction(board.fps)
        self._encoder.time_base = Fraction(1, board.fps)
        self._encoder.options = {"preset": "veryfast", "crf": "23"}
        self._decoder = av.CodecContext.create("h264", "r")

    def add(self, pixels: NDArray[np.uint8]) -> Iterator[Luma]:
        """Encode one more frame; return those that are ready."""
        frame = as_yuv(pixels)
        frame.pts, frame.time_base = self._number, self._encoder.time_base
        self._number += 1
        yield from self._decoded(self._encoder.encode(frame))

    def rest(self) -> Iterator[Luma]:
        """Return what is still on its way."""
        yield from self._decoded(self._encoder.encode(None))
        yield from (_luma(frame) for frame in self._decoder.decode(None))

    def _decoded(self, packets: list[av.Packet[Any]]) -> Iterator[Luma]:
        for packet in packets:
            self.bytes += packet.size
            yield from (_luma(frame) for frame in self._decoder.decode(packet))


if __name__ == "__main__":
    main(*sys.argv[1:])
