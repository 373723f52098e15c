"""The film in one ffmpeg command: stills repeated, texts as pre-drawn pictures that fade in, music.

Two ways to repeat a still: as every guide shows it (`-loop 1`, where ffmpeg reads and scales the
file anew for each frame), and as somebody writes it who knows ffmpeg well (the `loop` filter, which
keeps one frame that is ready). The first is what users write, the second what they could at best.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]

from benchmarks.render_peers.scenes import RISE, Cut, Element, describe, draw_text
from renderers.storyboard import Storyboard

_BT709 = "out_color_matrix=bt709:out_range=tv"
_TAGS = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"


def command(board: Storyboard, work: Path, target: Path, *, careful: bool) -> list[str]:
    """Draw the texts as pictures, and return the command that makes the film of them."""
    graph = _Graph(board, work, careful)
    names = [graph.scene(cut) for cut in describe(board)]
    joined = "".join(f"[{name}]" for name in names)
    graph.chains.append(f"{joined}concat=n={len(names)}:v=1:a=0,{_TAGS}[film]")
    sound = graph.music()
    return [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y", *graph.inputs),
        *("-filter_complex", ";".join(graph.chains), "-map", "[film]", *sound),
        *("-r", str(board.fps), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"),
        str(target),
    ]


class _Graph:
    """The inputs and filter chains of the command, as they are gathered."""

    def __init__(self, board: Storyboard, work: Path, careful: bool) -> None:
        self.board = board
        self.work = work
        self.careful = careful
        self.inputs: list[str] = []
        self.chains: list[str] = []
        self._opened = 0
        self._named = 0

    def scene(self, cut: Cut) -> str:
        """Add the chains of a scene; return the name of its pictures."""
        first, rest = self._ground(cut)
        name = self._chain("", first)
        for element in rest:
            name = self._laid(name, element, cut)
        return self._chain(f"[{name}]", ["settb=AVTB", f"trim=duration={cut.seconds}"])

    def music(self) -> Sequence[str]:
        """Add the bed; return the arguments that choose it."""
        music, length = self.board.music, self.board.duration
        if music is None:
            return ["-an"]
        fades = f"afade=t=in:d={music.fade_in}"
        fades += f",afade=t=out:st={length - music.fade_out}:d={music.fade_out}"
        source = self._open(["-i", str(music.path)])
        self.chains.append(f"[{source}:a]atrim=0:{length},volume={music.gain_db}dB,{fades}[sound]")
        return ["-map", "[sound]"]

    def _ground(self, cut: Cut) -> tuple[list[str], Sequence[Element]]:
        """Choose what lies at the bottom: a picture that fills the frame, or a colour."""
        board, first = self.board, cut.elements[0]
        full = (first.width, first.height) == (board.width, board.height)
        if full and first.kind in ("still", "film") and first.entry.way == "none":
            return self._source(first, cut), cut.elements[1:]
        colour = cut.colour.replace("#", "0x")
        plain = f"color=c={colour}:s={board.width}x{board.height}:r={board.fps}"
        once = f"{plain},trim=end_frame=1"
        chain = [once, f"scale={_BT709}", "format=yuv420p", *self._repeated(cut.seconds)]
        return chain, cut.elements

    def _laid(self, below: str, element: Element, cut: Cut) -> str:
        if element.kind == "plate":
            colour = element.colour.replace("#", "0x")
            box = f"drawbox={element.x}:{element.y}:{element.width}:{element.height}"
            return self._chain(f"[{below}]", [f"{box}:color={colour}:t=fill"])
        chain = self._source(element, cut)
        if element.entry.way != "none":
            # before its start it is transparent
            chain.append(f"fade=t=in:st={element.entry.start}:d={element.entry.seconds}:alpha=1")
        above = self._chain("", chain)
        x, top = element.x - element.x % 2, element.y - element.y % 2
        y = f"{top}"
        if element.entry.way == "rise":
            way = RISE * min(self.board.width, self.board.height) / 720
            gone = f"(t-{element.entry.start})/{element.entry.seconds}"
            y = f"'{top}+{way:g}*pow(max(1-{gone},0),3)'"
        when = f":enable='gte(t,{element.entry.start})'" if element.entry.start else ""
        return self._chain(f"[{below}][{above}]", [f"overlay=x={x}:y={y}{when}"])

    def _source(self, element: Element, cut: Cut) -> list[str]:
        """Open a picture, a text or a film, sized and in the colours of the film."""
        path = element.path
        if element.kind == "text":
            path = self.work / f"text-{self._opened}.png"
            draw_text(element, path)
        looped = ["-loop", "1", "-t", f"{cut.seconds}", "-framerate", str(self.board.fps)]
        anew = element.kind != "film" and not self.careful
        number = self._open([*(looped if anew else ()), "-i", str(path)])
        size = f"{element.width}:{element.height}"
        if element.kind == "text":
            chain = [f"[{number}:v]scale={_BT709}", "format=yuva420p"]
        else:
            fitted = f"scale={size}:force_original_aspect_ratio=increase:{_BT709},crop={size}"
            form = "yuv420p" if element.entry.way == "none" else "yuva420p"
            chain = [f"[{number}:v]{fitted}", f"format={form}"]
        if element.kind == "film" or anew:
            return chain
        return [*chain, *self._repeated(cut.seconds)]

    def _repeated(self, seconds: float) -> list[str]:
        frames = round(seconds * self.board.fps)
        rate = self.board.fps
        return [f"loop={frames - 1}:1:0", f"setpts=N/{rate}/TB", f"fps={rate}"]

    def _open(self, arguments: Sequence[str]) -> int:
        self.inputs += arguments
        self._opened += 1
        return self._opened - 1

    def _chain(self, sources: str, filters: Sequence[str]) -> str:
        self._named += 1
        self.chains.append(f"{sources}{','.join(filters)}[s{self._named}]")
        return f"s{self._named}"
