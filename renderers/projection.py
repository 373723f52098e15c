"""Turns decoded pictures of a film into upright, square-pixelled RGBA in the colours of sRGB.

A film says how its colours are meant (matrix, range, primaries), how wide its pixels are and how
the camera was held; whoever ignores one of these shows green faces or a landscape on its side.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDEST_PIXEL = 4
# ITU-T H.273 numbers of what a film says about its colours
_TRANSFERS = {16: "PQ", 18: "HLG"}
_BT2020, _BT2020_CONSTANT, _UNSAID, _RGB = 9, 10, 2, 0
# H.273 matrix -> the number that the scaler has for it
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, _BT2020: 9}
_HD_LINES = 720  # from here on a film that does not say its matrix means Rec. 709
_DOLBY_TAGS = frozenset({"dvh1", "dvhe", "dva1", "dvav", "dav1"})
_HOW = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


def unshowable(stream: av.VideoStream) -> str | None:
    """Say why the pictures of a stream cannot be shown as they are meant, or None."""
    if stream.codec_tag.lower() in _DOLBY_TAGS:
        return "is HDR (Dolby Vision): export it as SDR (Rec. 709)"
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if aspect > 0 and not Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL:
        return f"says that its pixels are {aspect} as wide as high: export it with square pixels"
    context = stream.codec_context
    return _unshowable_colours(context.color_trc, context.colorspace)


def _unshowable_colours(transfer: int, matrix: int) -> str | None:
    if transfer in _TRANSFERS:
        return f"is HDR ({_TRANSFERS[transfer]}): export it as SDR (Rec. 709)"
    if matrix not in {_RGB, _UNSAID, 3, _BT2020_CONSTANT, *_MATRICES}:
        return f"has an unusual colour matrix (number {matrix}): export it as SDR (Rec. 709)"
    return None


@dataclass
class Projector:
    """Shows the pictures of one film; one scaler serves them all."""

    aspect: Fraction = Fraction(1)
    _scaler: VideoReformatter = field(default_factory=VideoReformatter)

    def show(self, frame: av.VideoFrame) -> Picture:
        """Convert one picture to rows of red, green, blue and alpha, upright."""
        width, height = _square(frame.width, frame.height, self.aspect)
        shown = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgba",
            src_colorspace=_matrix(frame),
            src_color_range=_range(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=_HOW,
            threads=1,
        )
        pixels = np.asarray(shown.to_ndarray(), dtype=np.uint8)
        return np.ascontiguousarray(_upright(pixels, _held(frame)))


def prepared(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Make interlaced pictures progressive and bring wide colours (Rec. 2020) into Rec. 709."""
    graph: Graph | None = None
    for number, frame in enumerate(frames):
        if number == 0:
            graph = _graph(frame)
        if graph is None:
            yield frame
            continue
        graph.vpush(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph)


def _graph(frame: av.VideoFrame) -> Graph | None:
    steps: list[tuple[str, str]] = []
    if frame.interlaced_frame:
        steps.append(("bwdif", "mode=send_frame:deint=interlaced"))
    if frame.color_primaries == _BT2020 and _yuv(frame):
        span = "pc" if frame.color_range == ColorRange.JPEG else "tv"
        steps.append(("format", "yuv444p10"))
        steps.append(("pad", "2*ceil(iw/2):2*ceil(ih/2)"))  # for the next one knows only even sizes
        steps.append(("colorspace", f"iall=bt2020:irange={span}:all=bt709:range=tv"))
        steps.append(("crop", f"{frame.width}:{frame.height}:0:0"))
    if not steps:
        return None
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    nodes = [source, *(graph.add(name, how) for name, how in steps), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return


def _yuv(frame: av.VideoFrame) -> bool:
    return not frame.format.is_rgb and len(frame.format.components) > 1


def _matrix(frame: av.VideoFrame) -> int:
    said = _BT2020 if frame.colorspace == _BT2020_CONSTANT else frame.colorspace
    return _MATRICES.get(said, _MATRICES[1] if frame.height >= _HD_LINES else _MATRICES[5])


def _range(frame: av.VideoFrame) -> int:
    if frame.format.name.startswith("yuvj") or frame.format.is_rgb:
        return int(ColorRange.JPEG)
    return int(frame.color_range) or int(ColorRange.MPEG)


def _square(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Widen or heighten, so that no detail is lost."""
    if aspect > 1:
        return round(width * aspect), height
    return width, max(round(height / aspect), 1)


def _held(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Read how the camera was held: the four numbers that turn and flip (a, b, c, d)."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if matrix is None:
        return 1, 0, 0, 1
    numbers = struct.unpack("=9i", bytes(matrix)[:36])
    return numbers[0], numbers[1], numbers[3], numbers[4]


def _upright(pixels: Picture, held: tuple[int, int, int, int]) -> Picture:
    """Turn by the nearest quarter and flip: x' = a·x + c·y, y' = b·x + d·y."""
    a, b, c, d = held
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, across, down = pixels.swapaxes(0, 1), c, b
    else:
        across, down = a, d
    return pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
