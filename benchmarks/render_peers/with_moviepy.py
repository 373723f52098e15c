"""The film in MoviePy: clips, effects, composites, one file.

Two ways again: as its documentation teaches (`CompositeVideoClip([background, text])`, which makes
a picture with an alpha channel and carries its mask through the whole film), and as somebody writes
it who has read the source (a background colour given, so that no mask is made).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from moviepy import (
    AudioFileClip,
    ColorClip,
    CompositeVideoClip,
    ImageClip,
    TextClip,
    VideoFileClip,
    afx,
    concatenate_videoclips,
    vfx,
)
from PIL import ImageColor, ImageFont

from benchmarks.reel import board_of
from benchmarks.render_peers.processes import cpu
from benchmarks.render_peers.scenes import RISE, Cut, Element, Lettering, describe
from renderers.storyboard import Storyboard


def main(folder: str, number: str, height: str, target: str, way: str) -> None:
    """Write the film of one person; only what MoviePy does is counted."""
    board = board_of(Path(folder), int(number), height=int(height))
    cuts = describe(board)
    with cpu() as spent:
        write(board, cuts, Path(target), careful=way == "careful")
    print(json.dumps({"cpu_s": spent.cpu_s}))


def write(board: Storyboard, cuts: list[Cut], target: Path, *, careful: bool) -> None:
    """Put the scenes one after the other, lay the music under them, and encode."""
    size = (board.width, board.height)
    film = concatenate_videoclips([_scene(cut, size, careful) for cut in cuts])
    if board.music:
        music = board.music
        effects = [
            afx.MultiplyVolume(10 ** (music.gain_db / 20)),
            afx.AudioFadeIn(music.fade_in),
            afx.AudioFadeOut(music.fade_out),
        ]
        sound = AudioFileClip(str(music.path)).subclipped(0, board.duration)
        film = film.with_audio(sound.with_effects(effects))
    film.write_videofile(
        str(target),
        fps=board.fps,
        codec="libx264",
        preset="veryfast",
        audio_codec="aac",
        audio_bitrate="128k",
        temp_audiofile_path=str(target.parent),
        ffmpeg_params=["-crf", "23", "-movflags", "+faststart"],
        logger=None,
    )


def _scene(cut: Cut, size: tuple[int, int], careful: bool) -> CompositeVideoClip:
    clips = [_placed(element, cut, size) for element in cut.elements]
    colour = ImageColor.getrgb(cut.colour)
    if careful:
        return CompositeVideoClip(clips, size=size, bg_color=colour).with_duration(cut.seconds)
    first = cut.elements[0]
    if (first.width, first.height) != size:
        clips = [ColorClip(size, color=colour).with_duration(cut.seconds), *clips]
    return CompositeVideoClip(clips)


def _placed(element: Element, cut: Cut, size: tuple[int, int]) -> ImageClip:
    clip = _CLIPS[element.kind](element, cut)
    y = element.y
    if element.lettering:
        # TextClip puts the baseline at the font's ascent below its top
        y = round(y + element.lettering.baseline - _ascent(element.lettering))
    clip = clip.with_start(element.entry.start).with_duration(cut.seconds - element.entry.start)
    at = _risen(element, y, size) if element.entry.way == "rise" else (element.x, y)
    clip = clip.with_position(at)
    if element.entry.way != "none":
        clip = clip.with_effects([vfx.CrossFadeIn(element.entry.seconds)])
    return clip


def _risen(element: Element, y: int, size: tuple[int, int]) -> Callable[[float], tuple[int, int]]:
    way = RISE * min(size) / 720

    def at(time: float) -> tuple[int, int]:
        left = max(1 - time / element.entry.seconds, 0)
        return element.x, round(y + way * left**3)

    return at


def _still(element: Element, cut: Cut) -> ImageClip:
    return _covering(ImageClip(str(element.path)), element)


def _film(element: Element, cut: Cut) -> VideoFileClip:
    return _covering(VideoFileClip(str(element.path), audio=False), element)


def _covering(clip: ImageClip, element: Element) -> ImageClip:
    """Fill the box and cut off what sticks out, unless the clip has the size already."""
    factor = max(element.width / clip.w, element.height / clip.h)
    if factor != 1:
        clip = clip.resized(factor)
    if (clip.w, clip.h) == (element.width, element.height):
        return clip
    return clip.cropped(
        x_center=clip.w / 2, y_center=clip.h / 2, width=element.width, height=element.height
    )


def _plate(element: Element, cut: Cut) -> ColorClip:
    return ColorClip((element.width, element.height), color=ImageColor.getrgb(element.colour))


def _text(element: Element, cut: Cut) -> TextClip:
    words = element.lettering
    if words is None:
        raise ValueError("a text without words")
    # without a margin below, MoviePy 2.2.1 cuts off the foot of the letters
    return TextClip(
        font=str(words.font),
        text=words.text,
        font_size=words.size,
        color=element.colour,
        margin=(0, 0, 0, round(words.size / 2)),
    )


def _ascent(words: Lettering) -> int:
    return int(ImageFont.truetype(str(words.font), words.size).getmetrics()[0])


_CLIPS = {"still": _still, "film": _film, "plate": _plate, "text": _text}

if __name__ == "__main__":
    main(*sys.argv[1:])
