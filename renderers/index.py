"""Builds the index of an MP4 file: what is in it, and where each frame and each packet lies.

Boxes follow ISO/IEC 14496-12 (file), -14 (MPEG-4 sound) and -15 (H.264). Times are left at zero, so
that equal content gives equal bytes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.h264 import numbering
from renderers.segments import ParameterSets
from renderers.soundtrack import PACKET, RATE

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4  # the language "und", five bits a letter
_NAME = b"Cuereel\0"
_PROFILES_WITH_FORMAT = frozenset({100, 110, 122, 144})  # High and above: 14496-15, 5.3.3.1.2


@dataclass(frozen=True)
class Track:
    """One track: its samples, how they lie in chunks, and what of them is seen or heard.

    `chunks` counts the samples of each chunk; `offsets` are the chunks' places behind the head of
    the media data. `seen` is the duration on the timescale of the whole film, `skipped` what the
    edit list cuts off at the beginning. `sync` is None where every sample can be decoded alone.
    """

    entry: bytes
    sizes: NDArray[np.uint32]
    sync: NDArray[np.int64] | None
    chunks: NDArray[np.int64]
    offsets: NDArray[np.int64]
    timescale: int
    delta: int
    seen: int
    skipped: int = 0
    width: int = 0
    height: int = 0

    @property
    def sounds(self) -> bool:
        """Tell whether this is the track of the sound."""
        return not self.width


def box(kind: bytes, *parts: bytes) -> bytes:
    """Put a length and a name before content."""
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def file_type() -> bytes:
    """Make the first box of the file."""
    return box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")


def movie(tracks: Sequence[Track], timescale: int, first: int, *, wide: bool) -> bytes:
    """Make the index of a file whose media data begin at the byte `first`.

    Its length depends on the tracks and on `wide` (places in 64 bits), never on `first`.
    """
    head = struct.pack(">IIIIIH10x", 0, 0, timescale, max(t.seen for t in tracks), 0x10000, 0x100)
    tail = struct.pack(">24xI", len(tracks) + 1)
    parts = [_full(b"mvhd", head, _UNITY, tail)]
    for number, track in enumerate(tracks, start=1):
        parts.append(_track(track, number, first, wide=wide))
    return box(b"moov", *parts)


def data_head(length: int, *, wide: bool) -> bytes:
    """Make the head of the media data; a length of 1 says that the real one follows in 64 bits."""
    if wide:
        return struct.pack(">I4sQ", 1, b"mdat", 16 + length)
    return struct.pack(">I4s", 8 + length, b"mdat")


def picture_entry(sets: ParameterSets, width: int, height: int) -> bytes:
    """Describe H.264 pictures in bt709 limited range with square pixels."""
    head = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 72 << 16, 72 << 16, 0, 1, 24, -1)
    colour = struct.pack(">4sHHHB", b"nclx", 1, 1, 1, 0)
    square = struct.pack(">II", 1, 1)
    return box(
        b"avc1", head, box(b"avcC", _decoder(sets)), box(b"colr", colour), box(b"pasp", square)
    )


def sound_entry(config: bytes, sizes: NDArray[np.uint32]) -> bytes:
    """Describe AAC in stereo at 48 kHz."""
    head = struct.pack(">6xH8xHH4xI", 1, 2, 16, RATE << 16)
    return box(b"mp4a", head, _full(b"esds", _elementary_stream(config, sizes)))


def _full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _track(track: Track, number: int, first: int, *, wide: bool) -> bytes:
    volume = 0x100 if track.sounds else 0
    head = struct.pack(">IIIII8xHHHH", 0, 0, number, 0, track.seen, 0, 0, volume, 0)
    size = struct.pack(">II", track.width << 16, track.height << 16)
    edits = b""
    if track.skipped:
        edit = struct.pack(">IIiHH", 1, track.seen, track.skipped, 1, 0)
        edits = box(b"edts", _full(b"elst", edit))
    return box(
        b"trak",
        _full(b"tkhd", head, _UNITY, size, flags=3),
        edits,
        _media(track, first, wide=wide),
    )


def _media(track: Track, first: int, *, wide: bool) -> bytes:
    length = len(track.sizes) * track.delta
    head = struct.pack(">IIIIHH", 0, 0, track.timescale, length, _UNDETERMINED, 0)
    kind = struct.pack(">I4s12x", 0, b"soun" if track.sounds else b"vide")
    media = _full(b"smhd", bytes(4)) if track.sounds else _full(b"vmhd", bytes(8), flags=1)
    here = _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))
    return box(
        b"mdia",
        _full(b"mdhd", head),
        _full(b"hdlr", kind, _NAME),
        box(b"minf", media, box(b"dinf", here), _tables(track, first, wide=wide)),
    )


def _tables(track: Track, first: int, *, wide: bool) -> bytes:
    count = len(track.sizes)
    parts = [
        _full(b"stsd", struct.pack(">I", 1), track.entry),
        _full(b"stts", struct.pack(">III", 1, count, track.delta)),
    ]
    if track.sync is not None:
        parts.append(_listed(b"stss", track.sync + 1, ">u4"))
    parts.append(_chunk_lengths(track.chunks))
    parts.append(_full(b"stsz", struct.pack(">II", 0, count), track.sizes.astype(">u4").tobytes()))
    if wide:
        parts.append(_listed(b"co64", track.offsets + first, ">u8"))
    else:
        parts.append(_listed(b"stco", track.offsets + first, ">u4"))
    if track.sounds:
        parts.append(_run_up(count))
    return box(b"stbl", *parts)


def _listed(kind: bytes, numbers: NDArray[np.int64], form: str) -> bytes:
    return _full(kind, struct.pack(">I", len(numbers)), numbers.astype(form).tobytes())


def _chunk_lengths(chunks: NDArray[np.int64]) -> bytes:
    """Say only where the number of samples in a chunk changes."""
    changes = np.flatnonzero(np.diff(chunks, prepend=0))
    rows = np.column_stack([changes + 1, chunks[changes], np.ones_like(changes)])
    return _full(b"stsc", struct.pack(">I", len(rows)), rows.astype(">u4").tobytes())


def _run_up(count: int) -> bytes:
    """Say that an AAC packet sounds right only after the one before it."""
    return _full(b"sgpd", struct.pack(">4sIIh", b"roll", 2, 1, -1), version=1) + _full(
        b"sbgp", struct.pack(">4sIII", b"roll", 1, count, 1)
    )


def _decoder(sets: ParameterSets) -> bytes:
    sps, pps = sets.sps, sets.pps
    parts = [
        struct.pack(">B3sBBH", 1, sps[1:4], 0xFC | 3, 0xE0 | 1, len(sps)),
        sps,
        struct.pack(">BH", 1, len(pps)),
        pps,
    ]
    if sps[1] in _PROFILES_WITH_FORMAT:
        numbering(sets)  # refuses what is not 8 bits 4:2:0
        parts.append(bytes([0xFC | 1, 0xF8, 0xF8, 0]))
    return b"".join(parts)


def _elementary_stream(config: bytes, sizes: NDArray[np.uint32]) -> bytes:
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    second = min(-(-RATE // PACKET), len(sizes))
    most = int((ends[second:] - ends[:-second]).max()) * 8
    mean = int(ends[-1]) * 8 * RATE // (len(sizes) * PACKET)
    kinds = struct.pack(">BB", 0x40, 0x05 << 2 | 1)  # AAC, an audio stream
    buffer = int(sizes.max()).to_bytes(3)
    rates = struct.pack(">II", most, mean)
    decoder = _descriptor(4, kinds, buffer, rates, _descriptor(5, config))
    return _descriptor(3, struct.pack(">HB", 0, 0), decoder, _descriptor(6, b"\x02"))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">BB", tag, len(content)) + content
