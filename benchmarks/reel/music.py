"""Plays half a minute of quiet chords."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

RATE, SECONDS = 48_000, 32
_CHORDS = (
    (220.0, 277.2, 329.6),
    (185.0, 233.1, 277.2),
    (146.8, 220.0, 293.7),
    (164.8, 246.9, 329.6),
)


def write_music(path: Path) -> None:
    """Write the bed as AAC."""
    time = np.arange(RATE * 4) / RATE
    swell = np.minimum(time / 0.5, 1) * np.exp(-time / 3)
    bars = [
        sum(np.sin(2 * np.pi * note * time) * swell * 0.16 for note in chord) for chord in _CHORDS
    ]
    mono = np.concatenate(bars * (SECONDS // 4 // len(bars))).astype(np.float32)
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=RATE, layout="stereo")
        stream.bit_rate = 160_000
        frame = av.AudioFrame.from_ndarray(np.stack([mono, mono]), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
