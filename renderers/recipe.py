"""The one locked x264 recipe: everything that is encoded with it can be joined without encoding.

No B-frames, one reference, one thread, a level by size alone, `stitchable=1`: so parameter sets
depend on size and frame rate only (reference: docs/decisions/0011). Only pictures that differ are
encoded; a hold is made of P-skip pictures, taken from a grey donor and given the next number.
"""

import hashlib
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from renderers import h264
from renderers.errors import EncodeError
from renderers.planes import Planes
from renderers.segments import Segment

_X264 = (
    "stitchable=1:ref=1:bframes=0:open-gop=0:scenecut=0:keyint=600:min-keyint=1:mbtree=0:"
    "rc-lookahead=0:weightp=0:force-cfr=1:colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv:chromaloc=0"
)
# What moves by whole pixels needs no half pixels, which halves the work. One quantiser for all needs
# no look at complexity beforehand; smaller dead zones keep plain areas plain where something faded,
# and no smoothing keeps letters as drawn. The first picture is shown for seconds, so it is given
# more bits than its followers (docs/benchmarks.md).
_STILL = {
    "preset": "superfast",
    "qp": "24",
    "x264-params": f"{_X264}:subme=0:deadzone-inter=6:no-dct-decimate=1:no-deblock=1:ipratio=1.6",
}
_MOVING = {"preset": "superfast", "qp": "25", "x264-params": _X264}
# level -> most macroblocks in a picture, and in a second (ITU-T H.264 table A-1)
_LEVELS = ((31, 3600, 108_000), (32, 5120, 216_000), (40, 8192, 245_760), (42, 8704, 522_240),
           (51, 36_864, 983_040), (52, 36_864, 2_073_600))  # fmt: skip


def fingerprint() -> str:
    """Identify the encoder: another build or another recipe may make other bytes."""
    libraries = sorted((name, str(version)) for name, version in av.library_versions.items())
    facts = repr((av.__version__, libraries, _STILL, _MOVING, _LEVELS))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def timescale(fps: int) -> int:
    """Choose ticks per second so that a frame lasts a whole number of them."""
    return 90_000 if 90_000 % fps == 0 else fps * 1000


def level(width: int, height: int, fps: int) -> int:
    """Find the lowest level, from 3.1, that allows a size and rate."""
    blocks = -(-width // 16) * -(-height // 16)
    for number, picture, second in _LEVELS:
        if blocks <= picture and blocks * fps <= second:
            return number
    raise EncodeError(
        f"{width}x{height} at {fps} frames a second is more than H.264 players take: "
        "lower CUEREEL_VIDEO_HEIGHT or the template's fps.",
        reason="size_invalid",
        temporary=False,
    )


class Coder:
    """Encodes pictures one after the other; draw into `picture`, then add it or hold it.

    `moving` is for footage: it spends more on finding out where things went.
    """

    def __init__(self, width: int, height: int, fps: int, *, moving: bool = False) -> None:
        self._context = _context(width, height, fps, _MOVING if moving else _STILL)
        self._frame = av.VideoFrame(width, height, "yuv420p")
        self._frame.time_base = self._context.time_base
        self.picture = Planes(*(view_of(plane) for plane in self._frame.planes))
        self.sets = h264.read_sets(bytes(self._context.extradata or b""))
        self._numbering = h264.numbering(self.sets)
        self._skip = _skip(width, height, fps)
        self._tick = timescale(fps) // fps
        self._units: list[bytes] = []
        self._repeats: list[int] = []

    def add(self) -> None:
        """Encode the picture as it stands now."""
        self._frame.pts = len(self._repeats) * self._tick
        self._repeats.append(0)
        self._take(self._context.encode(self._frame))

    def hold(self, frames: int = 1) -> None:
        """Show the newest picture for more frames."""
        self._repeats[-1] += frames

    def settle(self) -> None:
        """Take what a decoder sees of the first picture as the one to draw on from here.

        What nobody touches again then costs nothing more: there is no noise left to mend.
        """
        decoder: Any = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        stream = h264.with_starts([self.sets.sps, self.sets.pps, self._units[0]])
        frames = [*decoder.decode(av.Packet(stream)), *decoder.decode(None)]
        self.picture.copy_from(Planes(*(view_of(plane) for plane in frames[0].planes)))

    def finish(self) -> Segment:
        """Flush the encoder and number all pictures through."""
        self._take(self._context.encode(None))
        if len(self._units) != len(self._repeats):
            raise EncodeError("The encoder lost pictures.", temporary=True)
        units: list[bytes] = []
        sync: list[int] = []
        number = 0
        for unit, repeats in zip(self._units, self._repeats, strict=True):
            if h264.kind(unit) == h264.IDR:
                sync.append(len(units))
                number = 0
                units.append(unit)
            else:
                units.append(self._numbering.renumber(unit, number % self._numbering.numbers))
            units += (self._skip[(number + n) % len(self._skip)] for n in range(1, repeats + 1))
            number += 1 + repeats
        coded = [h264.with_lengths([unit]) for unit in units]
        sizes = np.fromiter(map(len, coded), np.uint32, len(coded))
        return Segment(self.sets, b"".join(coded), sizes, tuple(sync))

    def _take(self, packets: list[Any]) -> None:
        self._units += (_slice(bytes(packet)) for packet in packets)


def _slice(stream: bytes) -> bytes:
    """Keep the picture and drop what the encoder says about itself."""
    slices = [unit for unit in h264.split(stream) if h264.kind(unit) in (h264.SLICE, h264.IDR)]
    if len(slices) != 1:
        raise EncodeError("The encoder made more than one slice.", temporary=False)
    return slices[0]


def _context(width: int, height: int, fps: int, options: dict[str, str]) -> Any:
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, timescale(fps))
    context.framerate = Fraction(fps)
    context.thread_count = 1
    context.flags |= Flags.global_header
    params = f"{options['x264-params']}:level={level(width, height, fps)}"
    context.options = {**options, "x264-params": params}
    context.open()
    return context


def view_of(plane: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """See the memory of one of PyAV's planes as rows of bytes, without what pads them."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


@lru_cache(maxsize=8)
def _skip(width: int, height: int, fps: int) -> tuple[bytes, ...]:
    """Make the picture that changes nothing, once under each number.

    Its coded content says for every macroblock "as before", so it fits behind any picture.
    """
    context = _context(width, height, fps, _STILL)
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.time_base = context.time_base
    for plane in frame.planes:
        view_of(plane)[...] = 128
    packets: list[Any] = []
    for index in range(8):
        frame.pts = index * (timescale(fps) // fps)
        packets += context.encode(frame)
    packets += context.encode(None)
    sets = h264.read_sets(bytes(context.extradata or b""))
    counting = h264.numbering(sets)
    last, before = _slice(bytes(packets[-1])), _slice(bytes(packets[-2]))
    if counting.renumber(before, 0) != counting.renumber(last, 0) or h264.kind(last) == h264.IDR:
        raise EncodeError("The encoder's donor is not a still picture.", temporary=False)
    return tuple(counting.renumber(last, number) for number in range(counting.numbers))
