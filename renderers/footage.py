"""Reads films of templates: what they hold, when each picture is shown, and the pictures.

Footage is a template's own file, but anything may be uploaded. What cannot be shown right is
refused by name before a video is made: a film never freezes, turns green or lies on its side.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from renderers.containers import AGAIN, CUT_OFF, MOST_PIXELS, cut_off, opened, refused, require
from renderers.media import complaint
from renderers.projection import Projector, prepared, unshowable

MOST_SECONDS = 900
_NO_FILM = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
# seconds by which a picture may come early: cameras, and files that round, are no exact clocks
_EARLY = 0.005
_AHEAD = 1.0  # seconds that are demuxed beyond the need, because pictures are stored out of order
_SHORT = 0.25  # seconds that a film may end before it says so
_MISSING, _FREEZE = 3, 0.25  # pictures in a row, and seconds, that a decoder may leave out


@dataclass(frozen=True)
class Film:
    """When the pictures of a film are shown, in seconds since the first, and where it ends.

    Pictures are known only up to the moment for which the film was opened.
    """

    path: Path
    name: str
    starts: tuple[float, ...]
    end: float
    first: float
    tick: float
    keys: tuple[int, ...]
    aspect: Fraction

    def number(self, seconds: float) -> int:
        """Number the picture that is on screen at a time; the last one is held."""
        return max(bisect_right(self.starts, seconds + _EARLY) - 1, 0)

    def numbered(self, seconds: float) -> int:
        """Number a decoded picture by its own time since the first."""
        return max(bisect_right(self.starts, seconds + self.tick / 2) - 1, 0)

    def projector(self) -> Projector:
        """Make what converts the film's pictures."""
        return Projector(self.aspect)


def open_film(path: Path, name: str, *, seconds: float, skip: float = 0.0) -> Film:
    """Learn about a film what showing it from `skip` on for some seconds needs, without decoding.

    Raise AssetError for what is no film, is cut off, too long, too large or HDR.
    """
    require(path, name)
    why = complaint(path, "video")
    if why:
        raise refused(name, f"{why}: replace it")
    stamp = path.stat()
    film = _index(path, name, skip + seconds, (stamp.st_mtime_ns, stamp.st_size))
    if skip > 0 and skip >= film.end:
        raise refused(
            name, f"ends after {film.end:.1f} s, so {skip:g} s cannot be skipped: skip less"
        )
    return film


def read_pictures(film: Film, first: int = 0) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode the pictures from a number on, each with its number; some before it may come too.

    Raise AssetError where pictures are damaged or missing.
    """
    begin = max((key for key in film.keys if key <= first), default=0)
    last = begin - 1
    with opened(film.path, film.name) as container:
        for frame in prepared(_decoded(film, container, begin)):
            number = film.numbered(_time(film, frame))
            _check_gap(film, last, number)
            yield (min(number, first) if last < begin else number), frame
            last = number
            if number >= len(film.starts) - 1:
                return
    _check_gap(film, last, len(film.starts))


def vet_film(path: Path, name: str, *, seconds: float, skip: float = 0.0) -> None:
    """Decode all that a scene needs of a film, or raise AssetError: slow, and sure."""
    film = open_film(path, name, seconds=seconds, skip=skip)
    last, projector = film.number(skip + seconds), film.projector()
    shown = False
    for number, frame in read_pictures(film, film.number(skip)):
        if not shown:
            projector.show(frame)
            shown = True
        if number > last:  # as far as whoever plays it reads ahead
            break


@lru_cache(maxsize=16)
def _index(path: Path, name: str, until: float, stamp: tuple[int, int]) -> Film:
    with opened(path, name) as container:
        stream = _stream(container, name)
        shown = _Times(stream.time_base or Fraction(1, 1000))
        _demux(container, stream, shown, until)
        if not shown.pictures:
            raise refused(name, "has no pictures: replace it")
        if _cut_off(container, stream, shown, path):
            raise refused(name, CUT_OFF)
        starts = tuple(float((at - shown.first) * shown.base) for at in sorted(shown.pictures))
        numbered = {at: number for number, at in enumerate(sorted(shown.pictures))}
        keys = () if shown.edited else tuple(sorted(numbered[key] for key in shown.keys))
        return Film(
            path=path,
            name=name,
            starts=starts,
            end=max(float((shown.end - shown.first) * shown.base), starts[-1]),
            first=float(shown.first * shown.base),
            tick=float(shown.base),
            keys=keys,
            aspect=stream.sample_aspect_ratio or Fraction(1),
        )


class _Times:
    """The presentation times that a film's packets carry, in units of its time base."""

    def __init__(self, base: Fraction) -> None:
        self.base = base
        self.pictures: set[int] = set()
        self.keys: set[int] = set()
        self.edited = False  # an edit list hides packets, so pictures cannot be found by time
        self.whole = False
        self.damaged = False
        self.first = self.end = 0
        self.all_end = 0.0

    def add(self, packet: "av.Packet[Stream]") -> None:
        """Take in one packet of the film's pictures."""
        at = packet.pts if packet.pts is not None else packet.dts
        self.damaged = self.damaged or packet.is_corrupt or at is None
        if packet.is_discard or at is None:
            self.edited = self.edited or packet.is_discard
            return
        self.first = min(self.first, at) if self.pictures else at
        self.end = max(self.end, at + (packet.duration or 0)) if self.pictures else at
        self.pictures.add(at)
        if packet.is_keyframe:
            self.keys.add(at)


def _demux(container: InputContainer, stream: av.VideoStream, shown: _Times, until: float) -> None:
    """Collect the times of packets until later ones can only be shown later than needed."""
    for packet in container.demux():
        if packet.size == 0:
            continue
        at = packet.dts if packet.dts is not None else packet.pts
        if at is not None:
            end = float((at + (packet.duration or 0)) * packet.time_base)
            shown.all_end = max(shown.all_end, end)
        if packet.stream_index != stream.index:
            continue
        shown.add(packet)
        if (
            shown.pictures
            and at is not None
            and float((at - shown.first) * shown.base) > until + _AHEAD
        ):
            return
    shown.whole = True


def _stream(container: InputContainer, name: str) -> av.VideoStream:
    """Choose the pictures of a film, or say why they cannot be used."""
    films = [one for one in container.streams.video if not one.disposition & _NO_FILM]
    if not films:
        only = "a still picture" if container.streams.video else "sound"
        held = f"holds only {only}" if len(container.streams) else "is empty"
        raise refused(name, f"{held}, no film: replace it")
    stream = films[0]
    if stream.codec_context is None:
        raise refused(name, "is encoded in a way that is not known here: export it as H.264")
    seconds = max(
        float((stream.duration or 0) * (stream.time_base or 0)), (container.duration or 0) / 1e6
    )
    if seconds > MOST_SECONDS:
        minutes = f"{seconds / 60:.0f} minutes"
        raise refused(name, f"lasts {minutes}; {MOST_SECONDS // 60} are allowed: cut it first")
    if not 0 < stream.width * stream.height <= MOST_PIXELS:
        size = f"{stream.width}x{stream.height}"
        raise refused(name, f"has {size} pixels; {MOST_PIXELS:,} are allowed: export it smaller")
    why = unshowable(stream)
    if why:
        raise refused(name, why)
    return stream


def _cut_off(container: InputContainer, stream: av.VideoStream, shown: _Times, path: Path) -> bool:
    """Tell whether a film promises more than its file holds."""
    short = cut_off(container, stream, path)
    if shown.damaged or short is not None:
        return shown.damaged or bool(short)
    if container.duration is None or not shown.whole:
        return False
    promised = ((container.start_time or 0) + container.duration) / av.time_base
    return shown.all_end < promised - _SHORT


def _decoded(film: Film, container: InputContainer, begin: int) -> Iterator[av.VideoFrame]:
    """Decode from a key picture on; pictures that are shown before it may need what is not read."""
    stream = _stream(container, film.name)
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    stream.codec_context.thread_count = 1
    base = stream.time_base or Fraction(1, 1000)
    begun, start = begin == 0, film.first + film.starts[begin] - film.tick / 2
    for packet in container.demux(stream):
        early = begin > 0 and packet.pts is not None and float(packet.pts * base) < start
        begun = begun or (packet.is_keyframe and not early)
        if begun and not early:
            for frame in packet.decode():
                if frame.is_corrupt:
                    raise refused(film.name, f"is damaged at {_time(film, frame):.1f} s: {AGAIN}")
                yield frame


def _time(film: Film, frame: av.VideoFrame) -> float:
    if frame.pts is None:
        raise refused(film.name, f"has pictures without a time: {AGAIN}")
    return frame.time - film.first


def _check_gap(film: Film, last: int, number: int) -> None:
    """Refuse a film whose decoder leaves out so much that the picture would freeze."""
    missing = number - last - 1
    if missing < _MISSING:
        return
    until = film.starts[number] if number < len(film.starts) else film.end
    if until - film.starts[last + 1] > _FREEZE:
        at = film.starts[last + 1]
        raise refused(film.name, f"has no pictures that can be shown at {at:.1f} s: {AGAIN}")
