"""The product: the same film, rendered by `renderers.render`, for many people in one process."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.reel import board_of
from benchmarks.render_peers.processes import anonymous_mb, cpu
from renderers.compose import Composer
from renderers.order import VIDEO, Order
from renderers.render import DEFAULT, RENDERERS, render
from renderers.shelved import open_shelf
from renderers.storyboard import Storyboard

WARM_UP = 2


def main(what: str, folder: str, count: str, height: str, out: str, compiled: str) -> None:
    """Render in the way that is asked for; print what was measured."""
    place = Place(Path(folder), int(height), Path(out), Path(compiled))
    print(json.dumps(_WAYS[what](place, int(count))))


class Place:
    """Where templates come from and videos go, and how large they are."""

    def __init__(self, template: Path, height: int, out: Path, compiled: Path) -> None:
        self.template = template
        self.height = height
        self.out = out
        self.compiled = compiled

    def board(self, number: int) -> Storyboard:
        """Assemble the video of one person."""
        return board_of(self.template, number, height=self.height)

    def folder(self, number: int) -> Path:
        """Make a fresh folder for one video."""
        folder = self.out / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def make_video(place: Place, number: int) -> float:
    """Make `video.mp4` from a storyboard, and nothing beside it; return the CPU seconds."""
    board, folder = place.board(number), place.folder(number)
    with cpu() as spent:
        order = Order(Composer(board), folder, open_shelf(place.compiled, board))
        RENDERERS[DEFAULT](order)
    return spent.cpu_s


def make_all(place: Place, number: int) -> float:
    """Make the video, its poster, GIF, captions and glance; return the CPU seconds."""
    board, folder = place.board(number), place.folder(number)
    with cpu() as spent:
        render(board, folder, compiled=place.compiled)
    return spent.cpu_s


def _warm(place: Place, count: int) -> dict[str, object]:
    """Take turns, so that what else the machine does falls on both alike."""
    for number in range(WARM_UP):
        make_all(place, number)
        make_video(place, number)
    alone, whole = [], []
    for number in range(WARM_UP, WARM_UP + count):
        alone.append(make_video(place, number))
        shutil.rmtree(place.out / str(number))
        whole.append(make_all(place, number + count))
        shutil.rmtree(place.out / str(number + count))
    mean = statistics.fmean(alone)
    return {"cpu_s": mean, "extras_s": statistics.fmean(whole) - mean, "best_s": min(alone)}


def _first(place: Place, number: int) -> dict[str, object]:
    """Make one whole set of files; what the process costs is seen from outside."""
    make_all(place, number)
    return {"video": str(place.out / str(number) / VIDEO)}


def _many(place: Place, count: int) -> dict[str, object]:
    """Render on and on; note the memory after each video."""
    sizes = []
    for number in range(count):
        make_all(place, number)
        shutil.rmtree(place.out / str(number))
        sizes.append(round(anonymous_mb(), 2))
    return {"anonymous_mb": sizes}


_WAYS = {"warm": _warm, "first": _first, "many": _many}

if __name__ == "__main__":
    main(*sys.argv[1:])
