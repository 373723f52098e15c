"""Puts encoded pictures and sound into one MP4 file by copying, with the index first."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from renderers.errors import EncodeError
from renderers.index import Track, data_head, file_type, movie, picture_entry, sound_entry
from renderers.segments import ParameterSets, Segment, require_alike
from renderers.soundtrack import PACKET, RATE, Soundtrack

_NARROW = 2**32 - 1  # the last byte that a place in 32 bits can name
_CHUNKS_PER_SECOND = 2  # pictures and sound take turns in the file
_PIECES = min(os.sysconf("SC_IOV_MAX"), 1024)  # in one call of the operating system


@dataclass(frozen=True)
class Film:
    """The pictures of a whole video: segments in their order, all of one size and rate."""

    segments: Sequence[Segment]
    width: int
    height: int
    fps: int

    @property
    def frames(self) -> int:
        """Count the frames."""
        return sum(segment.frames for segment in self.segments)


@dataclass(frozen=True)
class _Layout:
    """Where the chunks of pictures and sound lie: counts per chunk and places, turn by turn."""

    pictures: NDArray[np.int64]
    picture_places: NDArray[np.int64]
    sound: NDArray[np.int64]
    sound_places: NDArray[np.int64]
    turns: NDArray[np.int64]  # two columns: bytes of pictures, bytes of sound


def write_mp4(target: Path, film: Film, sound: Soundtrack | None) -> int:
    """Write a film with its sound to a path and return the number of bytes."""
    sets = require_alike(film.segments)
    _require_whole([*film.segments, *([sound] if sound else [])])
    layout = _layout(film, sound)
    head = _index(film, sets, sound, layout, _NARROW)
    return _written(target, [head, *_payload(film, sound, layout)])


def index(film: Film, sound: Soundtrack | None, *, narrow: int = _NARROW) -> bytes:
    """Make everything that stands before the media data: file type, index, head of the data.

    Places take 32 bits unless the file is longer than `narrow` bytes.
    """
    return _index(film, require_alike(film.segments), sound, _layout(film, sound), narrow)


def _index(
    film: Film, sets: ParameterSets, sound: Soundtrack | None, layout: _Layout, narrow: int
) -> bytes:
    scale = _timescale(film.fps)
    tracks = [_picture_track(film, sets, layout, scale)]
    if sound:
        tracks.append(_sound_track(sound, layout, scale))
    start, length = file_type(), int(layout.turns.sum())
    first = len(start) + len(movie(tracks, scale, 0, wide=False)) + 8
    if wide := first + length > narrow:
        first = len(start) + len(movie(tracks, scale, 0, wide=True)) + 16
    return start + movie(tracks, scale, first, wide=wide) + data_head(length, wide=wide)


def _timescale(fps: int) -> int:
    """Choose ticks in which a frame is whole; finer than sound, whose ends then round exactly."""
    return 90_000 if 90_000 % fps == 0 else fps * 10_000


def _require_whole(parts: Sequence[Segment | Soundtrack]) -> None:
    for part in parts:
        if len(part.payload) != int(part.sizes.sum(dtype=np.int64)):
            raise EncodeError(
                "An encoded part of the video is not as long as its list of sizes says: "
                "compile the template again with `cuereel template compile`.",
                reason="segment_damaged",
                temporary=False,
            )


def _picture_track(film: Film, sets: ParameterSets, layout: _Layout, scale: int) -> Track:
    return Track(
        entry=picture_entry(sets, film.width, film.height),
        sizes=np.concatenate([segment.sizes for segment in film.segments]),
        sync=_sync(film),
        chunks=layout.pictures,
        offsets=layout.picture_places,
        timescale=scale,
        delta=scale // film.fps,
        seen=film.frames * (scale // film.fps),
        width=film.width,
        height=film.height,
    )


def _sync(film: Film) -> NDArray[np.int64]:
    found: list[int] = []
    before = 0
    for segment in film.segments:
        found.extend(before + frame for frame in segment.sync)
        before += segment.frames
    return np.array(found, dtype=np.int64)


def _sound_track(sound: Soundtrack, layout: _Layout, scale: int) -> Track:
    return Track(
        entry=sound_entry(sound.config, sound.sizes),
        sizes=sound.sizes,
        sync=None,
        chunks=layout.sound,
        offsets=layout.sound_places,
        timescale=RATE,
        delta=PACKET,
        seen=round(sound.length * scale / RATE),
        skipped=sound.priming,
    )


def _layout(film: Film, sound: Soundtrack | None) -> _Layout:
    """Let pictures and sound take turns of half a second each."""
    seconds = film.frames / film.fps
    if sound:
        seconds = max(seconds, sound.length / RATE)
    turn = np.arange(int(seconds * _CHUNKS_PER_SECOND) + 2)
    shown = np.minimum(-(-turn * film.fps // _CHUNKS_PER_SECOND), film.frames)
    played = np.zeros_like(shown)
    if sound:
        ends = -(-(turn * RATE // _CHUNKS_PER_SECOND + sound.priming) // PACKET)
        played = np.minimum(ends, len(sound.sizes))
        played[0], played[-1] = 0, len(sound.sizes)
    ends = _ends([segment.sizes for segment in film.segments])[shown]
    heard = _ends([sound.sizes] if sound else [])[played]
    turns = np.column_stack([np.diff(ends), np.diff(heard)])
    pictures, packets = np.diff(shown), np.diff(played)
    places = ends[:-1] + heard[:-1]
    return _Layout(
        pictures=pictures[pictures > 0],
        picture_places=places[pictures > 0],
        sound=packets[packets > 0],
        sound_places=(places + turns[:, 0])[packets > 0],
        turns=turns,
    )


def _ends(sizes: Sequence[NDArray[np.uint32]]) -> NDArray[np.int64]:
    return np.cumsum(np.concatenate([np.zeros(1, np.uint32), *sizes]), dtype=np.int64)


def _payload(film: Film, sound: Soundtrack | None, layout: _Layout) -> Iterator[memoryview]:
    pictures = _Tape([segment.payload for segment in film.segments])
    packets = _Tape([sound.payload] if sound else [])
    for shown, played in layout.turns.tolist():
        yield from pictures.take(shown)
        yield from packets.take(played)


class _Tape:
    """Payloads behind one another, from which pieces are taken without a copy."""

    def __init__(self, payloads: Sequence[bytes | memoryview]) -> None:
        self._left = [memoryview(payload) for payload in reversed(payloads) if len(payload)]

    def take(self, length: int) -> Iterator[memoryview]:
        while length:
            piece = self._left.pop()
            if len(piece) > length:
                self._left.append(piece[length:])
                piece = piece[:length]
            length -= len(piece)
            yield piece


def _written(target: Path, pieces: Sequence[bytes | memoryview]) -> int:
    """Hand pieces to the operating system; it may take fewer bytes than it is offered."""
    done = 0
    with target.open("wb", buffering=0) as file:
        for first in range(0, len(pieces), _PIECES):
            waiting = list(pieces[first : first + _PIECES])
            while waiting:
                taken = os.writev(file.fileno(), waiting)
                done += taken
                waiting = _behind(waiting, taken)
    return done


def _behind(pieces: Sequence[bytes | memoryview], taken: int) -> list[bytes | memoryview]:
    for at, piece in enumerate(pieces):
        if taken < len(piece):
            return [memoryview(piece)[taken:], *pieces[at + 1 :]]
        taken -= len(piece)
    return []
