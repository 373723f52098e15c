"""Reads sound into samples: 48 kHz stereo, the only form in which sounds are mixed."""

import itertools
import math
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from renderers.containers import CUT_OFF, cut_off, opened, refused
from renderers.errors import AssetError

RATE = 48_000
MOST_SECONDS = 900
Samples = NDArray[np.float32]
_SHORT = 0.25  # seconds that a sound may end before it says so
_PADDING = 0.3  # seconds: no more is added to fill a last packet; in a loop it would be a gap
_GUESSING = frozenset({"mp3", "aac"})  # formats whose length is guessed from their bit rate


def read_sound(path: Path, name: str, *, seconds: float | None = None) -> Samples:
    """Decode a sound, or only its first seconds, into rows of two samples; or raise AssetError."""
    most = MOST_SECONDS if seconds is None else min(seconds, MOST_SECONDS)
    with opened(path, name, sound=True) as container:
        stream = _stream(container, path, name)
        promised = _promised(container, stream, path)
        if promised is not None and promised > MOST_SECONDS:
            raise _too_long(name)
        samples, whole = _decoded(container, stream, math.ceil(most * RATE))
    if not whole and most == MOST_SECONDS:
        raise _too_long(name)
    if not len(samples):
        raise refused(name, "is empty: replace it", sound=True)
    if promised is None or not whole:
        return samples
    if len(samples) < (promised - _SHORT) * RATE:
        raise refused(name, CUT_OFF, sound=True)
    padded = len(samples) < (promised + _PADDING) * RATE
    return samples[: round(promised * RATE)] if padded else samples


def _too_long(name: str) -> AssetError:
    return refused(name, f"is longer than {MOST_SECONDS // 60} minutes: cut it", sound=True)


def _stream(container: InputContainer, path: Path, name: str) -> av.AudioStream:
    why = None
    if not container.streams.audio:
        why = "has no sound in it: replace it"
    elif container.streams.audio[0].codec_context is None:
        why = "is encoded in a way that is not known here: export it as AAC"
    elif cut_off(container, container.streams.audio[0], path):
        why = CUT_OFF
    if why:
        raise refused(name, why, sound=True)
    return container.streams.audio[0]


def _decoded(container: InputContainer, stream: av.AudioStream, most: int) -> tuple[Samples, bool]:
    """Decode at most so many samples, and tell whether that was all."""
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
    chunks, length = [np.zeros((0, 2), dtype=np.float32)], 0
    for frame in itertools.chain(container.decode(stream), [None]):
        for part in resampler.resample(frame):
            chunks.append(_rows(part))
            length += len(chunks[-1])
        if length > most:
            break
    return np.concatenate(chunks)[:most], length <= most


def _promised(container: InputContainer, stream: av.AudioStream, path: Path) -> float | None:
    """Tell how many seconds a file says it has; None where that would be a guess."""
    if container.format.name in _GUESSING and not _states_its_length(path):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1 and container.duration is not None
    return (container.duration or 0) / av.time_base if alone else None


def _states_its_length(path: Path) -> bool:
    """Look for the table in the first frame of an MP3, behind its (maybe huge) ID3 tag."""
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":  # four bytes of seven bits each
            file.seek(
                10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
            )
        head = file.read(512)
    return b"Xing" in head or b"Info" in head


def _rows(frame: av.AudioFrame) -> Samples:
    return np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1, 2)


def louder(samples: Samples, gain_db: float) -> Samples:
    """Scale samples by decibels."""
    return samples * np.float32(math.pow(10, gain_db / 20))
