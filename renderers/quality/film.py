"""Judges the finished file against what the storyboard promised: length, size, sound."""

from collections.abc import Iterator

from renderers.parts import AudioPart
from renderers.quality.seen import FileSeen, SoundSeen
from renderers.storyboard import Storyboard

Said = Iterator[tuple[str, str]]
SILENT = -60.0  # dBFS: below the noise of a quiet room at any usual volume
CLIPPED = 0.999  # of full scale: the mix keeps to 0.97
APART = 0.1  # seconds that sound and picture may differ in length: an AAC packet has 0.02


def judge_film(seen: FileSeen, board: Storyboard) -> Said:
    """Tell how the file's pictures differ from the storyboard."""
    if not seen.sets_alike:
        yield (
            "parameter_sets_differ",
            "Scenes were encoded with different parameter sets and would not play as one: "
            "compile the template again.",
        )
    if seen.frames != board.frames:
        yield (
            "frames_wrong",
            f"The file has {seen.frames} frames, the storyboard {board.frames}: render it again.",
        )
    if abs(seen.seconds - board.duration) > 1 / board.fps:
        yield (
            "duration_wrong",
            f"The file lasts {seen.seconds:.2f} s, the storyboard {board.duration:.2f} s: "
            "render it again.",
        )
    if (seen.width, seen.height) != (board.width, board.height):
        yield (
            "size_wrong",
            f"The file is {seen.width}x{seen.height}, the storyboard "
            f"{board.width}x{board.height}: compile the template again.",
        )


def judge_sound(seen: FileSeen, board: Storyboard) -> Said:
    """Tell whether the sound that the storyboard has is there and can be heard."""
    if seen.sound is None:
        if _sounds(board):
            yield "sound_missing", "The storyboard has sound, the file has none: render it again."
        return
    yield from _heard(seen.sound, board)


def _heard(sound: SoundSeen, board: Storyboard) -> Said:
    if _sounds(board) and not sound.rms >= SILENT:
        yield (
            "sound_silent",
            f"The sound is at {sound.rms:.0f} dBFS, which nobody hears: raise gain_db or replace "
            "the file.",
        )
    if sound.peak >= CLIPPED:
        yield "sound_clipped", "The sound reaches full scale and may crackle: lower gain_db."
    if abs(sound.seconds - board.duration) > APART:
        yield (
            "sound_length_wrong",
            f"The sound lasts {sound.seconds:.2f} s, the pictures {board.duration:.2f} s: "
            "compile the template again.",
        )


def _sounds(board: Storyboard) -> bool:
    parts = (part for scene in board.scenes for part in scene.layers)
    return board.music is not None or any(isinstance(part, AudioPart) for part in parts)
