"""Writes what is said as captions, chapters and a transcript, timed by the scenes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from renderers.storyboard import Storyboard

LINE = 42
LINES = 2
_QUIET_END = 0.2  # seconds without caption before a scene's end
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+")
_PAUSE = re.compile(r"(?<=[,;:–—،、])\s+")


@dataclass(frozen=True)
class Cue:
    """A caption: from, to, and its one or two lines."""

    start: float
    end: float
    text: str


def cues(board: Storyboard) -> list[Cue]:
    """Time the narration: each scene's words share its seconds by their length."""
    return [cue for index in range(len(board.scenes)) for cue in _scene_cues(board, index)]


def captions_vtt(board: Storyboard) -> str:
    """Write the captions as WebVTT."""
    return _vtt(cues(board))


def chapters_vtt(board: Storyboard) -> str:
    """Write the scenes' titles as WebVTT chapters."""
    fps = board.fps
    return _vtt(
        Cue(scene.start_frame / fps, (scene.start_frame + scene.frames) / fps, scene.title)
        for scene in board.scenes
    )


def transcript(board: Storyboard) -> str:
    """Write everything that is said, one paragraph a scene."""
    return "\n\n".join(scene.narration for scene in board.scenes if scene.narration)


def _scene_cues(board: Storyboard, index: int) -> Iterator[Cue]:
    scene = board.scenes[index]
    blocks = split(scene.narration)
    start = scene.start_frame / board.fps
    seconds = max(scene.frames / board.fps - _QUIET_END, scene.frames / board.fps * 0.5)
    whole = sum(len(block) for block in blocks)
    for block in blocks:
        end = start + seconds * len(block) / whole
        yield Cue(start, end, "\n".join(_lines(block)))
        start = end


def split(text: str) -> list[str]:
    """Cut a text at sentences, then at pauses, then at words, into blocks of two lines."""
    blocks: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        for block in _blocks(sentence):
            if blocks and len(_lines(f"{blocks[-1]} {block}")) <= 1:
                blocks[-1] = f"{blocks[-1]} {block}"
            else:
                blocks.append(block)
    return blocks


def _blocks(sentence: str) -> list[str]:
    if not sentence:
        return []
    if len(_lines(sentence)) <= LINES:
        return [sentence]
    pieces = _PAUSE.split(sentence, maxsplit=1)
    if len(pieces) == 2 and len(_lines(pieces[0])) <= LINES:
        return [pieces[0], *_blocks(pieces[1])]
    lines = _lines(sentence)
    head = " ".join(lines[:LINES])
    return [head, *_blocks(sentence[len(head) :].strip())]


def _lines(text: str) -> list[str]:
    lines: list[str] = [""]
    for word in text.split():
        for piece in (word[i : i + LINE] for i in range(0, len(word), LINE)):
            if lines[-1] and len(lines[-1]) + 1 + len(piece) > LINE:
                lines.append(piece)
            else:
                lines[-1] = f"{lines[-1]} {piece}".strip()
    return lines


def _vtt(timed: "Iterator[Cue] | list[Cue]") -> str:
    parts = ["WEBVTT\n"]
    for cue in timed:
        parts.append(f"{_clock(cue.start)} --> {_clock(cue.end)}\n{_escaped(cue.text)}\n")
    return "\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float) -> str:
    millis = round(seconds * 1000)
    minutes, rest = divmod(millis, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
