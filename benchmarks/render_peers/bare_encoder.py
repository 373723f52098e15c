"""Nothing but x264: the unique frames of the personal scenes, drawn and in Y'CbCr beforehand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from benchmarks.reel import board_of, personal_scenes
from benchmarks.render_peers.processes import cpu
from renderers.compose import Composer
from renderers.storyboard import Storyboard

REPEATS = 5
OPTIONS = {"preset": "veryfast", "crf": "23"}


def main(folder: str, number: str, height: str) -> None:
    """Encode the same frames some times in a row; print what one time costs on average."""
    board = board_of(Path(folder), int(number), height=int(height))
    frames = list(unique_frames(board, Path(folder)))
    size = encode(board, frames)
    with cpu() as spent:
        for _ in range(REPEATS):
            encode(board, frames)
    print(json.dumps({"cpu_s": spent.cpu_s / REPEATS, "frames": len(frames), "bytes": size}))


def unique_frames(board: Storyboard, folder: Path) -> Iterator[av.VideoFrame]:
    """Draw the frames of the personal scenes that differ from the one before."""
    composer = Composer(board)
    for index in personal_scenes(board, folder):
        scene, before = board.scenes[index], None
        for number in range(scene.start_frame, scene.start_frame + scene.frames):
            pixels = composer.frame(number)
            if before is None or not np.array_equal(pixels, before):
                yield as_yuv(pixels)
                before = pixels.copy()


def as_yuv(pixels: NDArray[np.uint8]) -> av.VideoFrame:
    """Turn a drawn frame into limited-range bt709, as HD video wants it."""
    return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )


def encode(board: Storyboard, frames: list[av.VideoFrame]) -> int:
    """Encode with the peers' preset, one thread, its own look-ahead; return the bytes."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = board.width, board.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, board.fps), Fraction(board.fps)
    encoder.thread_count, encoder.options = 1, dict(OPTIONS)
    size = 0
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, board.fps)
        size += sum(packet.size for packet in encoder.encode(frame))
    return size + sum(packet.size for packet in encoder.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:])
