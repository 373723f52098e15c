"""Real segments, real sound and plain readers that the tests of MP4 files are made of."""

import json
import struct
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from renderers.segments import ParameterSets, Segment

WIDTH, HEIGHT, FPS = 320, 180, 30
SEI, SPS, PPS = 6, 7, 8
READER = Path(__file__).with_name("read_mp4.cjs")
HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"}
X264 = (
    "stitchable=1:level=31:ref=1:bframes=0:open-gop=0:scenecut=0:keyint=600:min-keyint=1:"
    "mbtree=0:rc-lookahead=0:colorprim=bt709:transfer=bt709:colormatrix=bt709"
)

Picture = NDArray[np.uint8]


def moving(frames: int, seed: int = 1) -> list[Picture]:
    """Draw frames in which a grey texture moves to the right."""
    texture = np.random.default_rng(seed).integers(30, 200, (HEIGHT // 4, WIDTH // 4))
    grey = np.kron(texture, np.ones((4, 4))).astype(np.uint8)
    rest = np.full((HEIGHT // 2, WIDTH), 128, dtype=np.uint8)
    return [np.vstack([np.roll(grey, 3 * at, axis=1), rest]) for at in range(frames)]


def encode(pictures: Sequence[Picture], crf: int = 23, level: int = 31) -> Segment:
    """Encode planar frames with the recipe whose packets can be joined."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 90_000), Fraction(FPS)
    encoder.thread_count = 1
    encoder.flags |= Flags.global_header
    recipe = X264.replace("level=31", f"level={level}")
    encoder.options = {"preset": "superfast", "crf": str(crf), "x264-params": recipe}
    encoder.open()
    units = []
    for number, picture in enumerate([*pictures, None]):
        frame = None if picture is None else av.VideoFrame.from_ndarray(picture, format="yuv420p")
        if frame is not None:
            frame.pts = number * 90_000 // FPS
        units += [bytes(packet) for packet in encoder.encode(frame)]
    sps, pps = (
        next(nal for nal in _nals(bytes(encoder.extradata or b"")) if nal[0] & 31 == kind)
        for kind in (SPS, PPS)
    )
    frames = [
        b"".join(len(nal).to_bytes(4, "big") + nal for nal in _nals(unit) if nal[0] & 31 != SEI)
        for unit in units
    ]
    sizes = np.array([len(frame) for frame in frames], dtype=np.uint32)
    return Segment(ParameterSets(sps, pps), b"".join(frames), sizes, (0,))


def _nals(stream: bytes) -> list[bytes]:
    return stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]


def decode(segment: Segment) -> list[Picture]:
    """Decode a segment by itself, without any file around it."""
    decoder = av.CodecContext.create("h264", "r")
    pictures, at = [], 0
    start = b"".join(b"\0\0\0\1" + nal for nal in (segment.sets.sps, segment.sets.pps))
    for size in segment.sizes.tolist():
        unit, at = bytes(segment.payload[at : at + size]), at + size
        while unit:
            length = int.from_bytes(unit[:4], "big")
            start += b"\0\0\0\1" + unit[4 : 4 + length]
            unit = unit[4 + length :]
        pictures += decoder.decode(av.Packet(start))
        start = b""
    pictures += decoder.decode(None)
    return [np.asarray(picture.to_ndarray(), dtype=np.uint8) for picture in pictures]


def chords(length: int) -> NDArray[np.float32]:
    """Play two chords, and between them a tone that rises, by which a shift would be heard."""
    time = np.arange(length) / 48_000
    rising = np.sin(2 * np.pi * (400 + 600 * time) * time)
    sides = [
        sum(np.sin(2 * np.pi * pitch * time) for pitch in chord) + rising
        for chord in ((220, 277, 330), (196, 247, 294))
    ]
    softly = 0.1 * np.minimum(1, time * 50)[:, None]
    return np.asarray(np.column_stack(sides) * softly, dtype=np.float32)


def by_ffmpeg(file: Path, *output: str) -> bytes:
    """Decode a file with the ffmpeg program; any error, and any word of complaint, is fatal."""
    run = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "warning",
            "-xerror",
            "-i",
            str(file),
            *output,
            "-",
        ],
        capture_output=True,
        check=True,
    )
    assert run.stderr == b""
    return run.stdout


def by_mp4box(file: Path) -> dict[str, Any]:
    """Parse a file with MP4Box.js (of `npm ci`), which complains about every box that is wrong."""
    run = subprocess.run(["node", READER, file], capture_output=True, text=True, check=True)
    return dict(json.loads(run.stdout))


def boxes(content: bytes, path: str = "", start: int = 0, end: int | None = None) -> dict[str, Any]:
    """List boxes as path -> (first byte of the content, content); tracks are numbered."""
    found: dict[str, Any] = {}
    while start < (len(content) if end is None else end):
        size, kind = struct.unpack_from(">I4s", content, start)
        head = 16 if size == 1 else 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, start + 8)
        name = f"{path}/{kind.decode()}"
        if kind == b"trak":
            name += str(1 + sum(key.startswith(name) and key.count("/") == 2 for key in found))
        found[name] = (start + head, content[start + head : start + size])
        if kind in HOLDERS:
            found |= boxes(content, name, start + head, start + size)
        start += size
    return found


def numbers(content: bytes, form: str = ">u4", skip: int = 8) -> list[int]:
    """Read the list in a full box that begins with its length."""
    return [int(number) for number in np.frombuffer(content[skip:], dtype=form)]


def places(content: bytes, track: int) -> list[tuple[int, int]]:
    """Work out where each sample of a track lies: offset and size, by the tables alone."""
    table = f"/moov/trak{track}/mdia/minf/stbl"
    found = boxes(content)
    wide = f"{table}/co64" in found
    chunks = numbers(found[f"{table}/{'co64' if wide else 'stco'}"][1], ">u8" if wide else ">u4")
    sizes = numbers(found[f"{table}/stsz"][1], skip=12)
    rows = np.array(numbers(found[f"{table}/stsc"][1])).reshape(-1, 3)
    result: list[tuple[int, int]] = []
    for number, offset in enumerate(chunks, start=1):
        count = rows[rows[:, 0] <= number][-1][1]
        for size in sizes[len(result) : len(result) + count]:
            result.append((offset, size))
            offset += size
    assert len(result) == len(sizes)
    return result
