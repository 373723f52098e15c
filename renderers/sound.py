"""Mixes the sound of a whole video: music looped or trimmed to length, and each scene's sounds."""

import numpy as np

from renderers.layers.audio import RATE, Samples, louder, read_sound
from renderers.parts import AudioPart
from renderers.storyboard import Sound, Storyboard

_CROSSFADE = 0.5  # seconds in which a loop's end and beginning overlap
_EDGE = 0.01  # seconds: no sound begins or ends with a click
_LOUDEST = 0.97


def mix(board: Storyboard) -> Samples | None:
    """Mix all sounds to exactly the length of the video, or return None when it is silent."""
    length = round(board.frames * RATE / board.fps)
    mixed = np.zeros((length, 2), dtype=np.float32)
    heard = False
    if board.music:
        mixed += _bed(board.music, length)
        heard = True
    for scene in board.scenes:
        for part in scene.layers:
            if isinstance(part, AudioPart):
                _add(mixed, part, scene.start_frame + part.timing.first, board.fps)
                heard = True
    return _limited(mixed) if heard else None


def _bed(music: Sound, length: int) -> Samples:
    samples = _looped(louder(read_sound(music.path, music.source), music.gain_db), length)
    _fade(samples, round(music.fade_in * RATE), round(music.fade_out * RATE))
    return samples


def _looped(samples: Samples, length: int) -> Samples:
    overlap = min(round(_CROSSFADE * RATE), len(samples) // 4)
    while len(samples) < length and overlap > 0:
        samples = _joined(samples, samples, overlap)
    return samples[:length].copy()


def _joined(first: Samples, second: Samples, overlap: int) -> Samples:
    """Lay the beginning of one over the end of the other at equal power."""
    angle = np.linspace(0, np.pi / 2, overlap, dtype=np.float32)[:, None]
    middle = first[-overlap:] * np.cos(angle) + second[:overlap] * np.sin(angle)
    return np.concatenate([first[:-overlap], middle, second[overlap:]])


def _fade(samples: Samples, fade_in: int, fade_out: int) -> None:
    edge = round(_EDGE * RATE)
    rise = min(max(fade_in, edge), len(samples))
    fall = min(max(fade_out, edge), len(samples))
    samples[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)[:, None]
    samples[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32)[:, None] ** 2


def _add(mixed: Samples, part: AudioPart, frame: int, fps: int) -> None:
    samples = louder(read_sound(part.path, part.source), part.gain_db)
    start = round(frame * RATE / fps)
    room = round((part.timing.last - part.timing.first) * RATE / fps)
    samples = samples[: min(room, len(mixed) - start)].copy()
    _fade(samples, 0, 0)
    mixed[start : start + len(samples)] += samples


def _limited(mixed: Samples) -> Samples:
    peak = float(np.abs(mixed).max(initial=0.0))
    return mixed * np.float32(_LOUDEST / peak) if peak > _LOUDEST else mixed
