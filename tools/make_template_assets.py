"""Make the sounds of the packaged templates from nothing but arithmetic, the same every time.

Run by hand when a template's music should change; what it writes is committed.
"""

import sys
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

TEMPLATES = Path(__file__).resolve().parent.parent / "renderers" / "templates"
RATE = 48_000
Sound = NDArray[np.float64]

# template -> (beats a minute, chords as MIDI notes, pattern of the plucked voice)
TUNES: dict[str, tuple[float, tuple[tuple[int, ...], ...], tuple[int, ...]]] = {
    "onboarding": (
        92,
        ((48, 64, 67, 71), (45, 60, 64, 67), (41, 57, 60, 64), (43, 59, 62, 67)),
        (1, 3, 2, 3, 1, 3, 2, 3),
    ),
    "abandoned_cart": (
        100,
        ((53, 65, 69, 72), (50, 62, 65, 69), (46, 62, 65, 70), (48, 64, 67, 70)),
        (1, 2, 3, 2, 1, 2, 3, 2),
    ),
    "account_review": (
        84,
        ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62)),
        (1, 2, 3, 1, 2, 3, 2, 1),
    ),
}


def pitch(note: int) -> float:
    """Turn a MIDI note into hertz."""
    return float(440 * 2 ** ((note - 69) / 12))


def pad(note: int, seconds: float) -> Sound:
    """Hold a soft note that swells and fades."""
    time = np.arange(round(seconds * RATE)) / RATE
    swell = np.sin(np.pi * np.clip(time / seconds, 0, 1)) ** 0.6
    tone = sum(np.sin(2 * np.pi * pitch(note) * n * time) / n**2.2 for n in (1, 2, 3))
    return np.asarray(tone * swell)


def pluck(note: int, seconds: float) -> Sound:
    """Strike a short, wooden note."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch(note) * time) + 0.25 * np.sin(4 * np.pi * pitch(note) * time)
    return np.asarray(tone * np.exp(-time * 7) * np.clip(time / 0.004, 0, 1))


def compose(name: str) -> Sound:
    """Write two rounds of a template's four chords as stereo samples."""
    tempo, chords, pattern = TUNES[name]
    beat = 60 / tempo
    bar = 4 * beat
    mixed = np.zeros((round(bar * len(chords) * 2 * RATE) + RATE * 2, 2))
    for index, chord in enumerate(chords * 2):
        for voice, note in enumerate(chord):
            _add(mixed, pad(note, bar * 1.15), index * bar, 0.10 if voice else 0.14, 0.5)
        for step, voice in enumerate(pattern):
            start = index * bar + step * beat / 2
            _add(mixed, pluck(chord[voice] + 12, 0.9), start, 0.10, 0.35 + 0.3 * (step % 2))
    mixed = _room(mixed[: round(bar * len(chords) * 2 * RATE)])
    return np.asarray(mixed / np.abs(mixed).max() * 0.5)


def _add(mixed: Sound, sound: Sound, start: float, level: float, right: float) -> None:
    first = round(start * RATE)
    sound = sound[: max(len(mixed) - first, 0)] * level
    mixed[first : first + len(sound), 0] += sound * (1 - right)
    mixed[first : first + len(sound), 1] += sound * right


def _room(mixed: Sound) -> Sound:
    """Add a few soft echoes, crossed between the sides."""
    wet = mixed.copy()
    for delay, level in ((0.083, 0.25), (0.151, 0.18), (0.289, 0.12), (0.433, 0.08)):
        shift = round(delay * RATE)
        wet[shift:] += mixed[:-shift, ::-1] * level
    return wet


def write(path: Path, sound: Sound) -> None:
    """Encode samples as AAC in an .m4a file."""
    with av.open(str(path), "w", format="ipod", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("aac", rate=RATE, options={"b": "96000"})
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(
            sound.T.astype(np.float32).copy(order="C"), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)


def main() -> int:
    """Write the music of every packaged template."""
    for name in TUNES:
        path = TEMPLATES / name / "music.m4a"
        write(path, compose(name))
        print(f"{path.relative_to(TEMPLATES)}: {path.stat().st_size:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
