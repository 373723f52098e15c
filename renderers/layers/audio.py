"""Reads sound into samples: 48 kHz stereo, the only form in which sounds are mixed."""

import math
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from renderers.errors import AssetError

RATE = 48_000
MOST_SECONDS = 900
Samples = NDArray[np.float32]
_FORMATS = "mov,mp4,m4a,mp3,ogg,wav,aac"


def read_sound(path: Path, name: str) -> Samples:
    """Decode a whole sound into rows of two samples, or raise AssetError."""
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        with path.open("rb") as file, av.open(file, mode="r", options=options) as sound:
            chunks = _decode(sound, name)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise AssetError(
            f"Sound {name!r} cannot be read: {error}.", reason="asset_invalid"
        ) from error
    if not chunks:
        raise AssetError(f"Sound {name!r} is empty.", reason="asset_invalid")
    return np.concatenate(chunks)


def _decode(sound: av.container.InputContainer, name: str) -> list[Samples]:
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
    chunks: list[Samples] = []
    total = 0
    for frame in sound.decode(audio=0):
        for part in resampler.resample(frame):
            chunks.append(_rows(part))
            total += len(chunks[-1])
        if total > MOST_SECONDS * RATE:
            raise AssetError(
                f"Sound {name!r} is longer than {MOST_SECONDS // 60} minutes.",
                reason="asset_invalid",
            )
    return chunks + [_rows(part) for part in resampler.resample(None)]


def _rows(frame: av.AudioFrame) -> Samples:
    return np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1, 2)


def louder(samples: Samples, gain_db: float) -> Samples:
    """Scale samples by decibels."""
    return samples * np.float32(math.pow(10, gain_db / 20))
