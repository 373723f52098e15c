"""Renders in a process of its own, which a test can hold up, starve or kill."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from renderers.errors import EncodeError
from renderers.render import render
from renderers.shelf import Meta, Piece, Shelf, Sink
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import load_template

_FETCH = Shelf.fetch


def board_of(template: Path) -> Storyboard:
    """Fill the template of the tests."""
    return assemble(load_template(template), {"first_name": SlotValue("Ольга")}, height=90)


def _say(words: str) -> None:
    print(words, flush=True)


def _slowly(shelf: Shelf, name: str, make: Callable[[Sink], Meta]) -> Piece:
    """Tell of every piece that is made, and take so long that others have to wait for it."""

    def making(sink: Sink) -> Meta:
        _say(f"made {name}")
        time.sleep(0.05)
        return make(sink)

    return _FETCH(shelf, name, making)


def _half(shelf: Shelf, name: str, make: Callable[[Sink], Meta]) -> Piece:
    """Stop for ever in the middle of the first scene that is written."""

    def making(sink: Sink) -> Meta:
        def stop(content: bytes | memoryview) -> None:
            sink(content[: len(content) // 2])
            _say("half")
            time.sleep(600)

        return make(stop if name.startswith("scene-") else sink)

    return _FETCH(shelf, name, making)


def _starved(board: Storyboard, out: Path, root: Path) -> None:
    """Meet a full disk while pieces are made, and again while the video is written."""
    for attempt, limit in (("pieces", 5_000), ("nothing", -1), ("video", 30_000)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            render(board, out / attempt, compiled=root)
            _say(f"{attempt} rendered")
        except EncodeError as error:
            _say(f"{attempt} {error.reason} {error.temporary}")


def main(mode: str, template: Path, out: Path, root: Path) -> None:
    """Render as the mode says, once a line has come in."""
    board = board_of(template)
    _say("ready")
    sys.stdin.readline()
    if mode == "starved":
        _starved(board, out, root)
        return
    watch = {"plain": _FETCH, "slowly": _slowly, "half": _half}[mode]
    Shelf.fetch = watch  # type: ignore[method-assign, assignment]
    render(board, out, compiled=root)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
