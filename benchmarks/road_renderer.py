"""What the renderer does by itself: processes that only render videos the road has made as well."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.render_peers.processes import BenchmarkError
from connector.decide.stored import from_json
from connector.settings import Settings
from connector.store.videos import VideoRow
from renderers.render import render
from renderers.storyboard import Storyboard, assemble
from renderers.template import find_template

SECONDS = 40.0  # for which each process renders, round and round
MOST = 100  # videos each of them is given


def throughput(
    settings: Settings, videos: Sequence[VideoRow], *, processes: int, seconds: float = SECONDS
) -> float:
    """Return how many videos a second so many processes render side by side."""
    step = max(len(videos) // (processes * MOST), 1)
    chosen = videos[::step]
    with tempfile.TemporaryDirectory(prefix="alone-") as name:
        folder = Path(name)
        started = [
            _start(settings, chosen[number::processes], folder / str(number), seconds)
            for number in range(processes)
        ]
        for process in started:
            _expect(process, "ready")
        for process in started:
            _say(process, "go")
        return sum(float(_expect(process, "rate")) for process in started)


def main(work: str, compiled: str, seconds: str) -> None:
    """Render the videos of `videos.json` for so many seconds; print how many there were in one."""
    folder, limit = Path(work), float(seconds)
    boards = [_board(row, folder) for row in json.loads((folder / "videos.json").read_text())]
    _render(boards[0], folder, Path(compiled))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < limit:
        _render(boards[count % len(boards)], folder, Path(compiled))
        count += 1
    sys.stdout.write(f"rate {count / (time.monotonic() - begun)}\n")


def _render(board: Storyboard, folder: Path, compiled: Path) -> None:
    render(board, folder / "video", compiled=compiled)
    shutil.rmtree(folder / "video")


def _board(row: dict[str, str], folder: Path) -> Storyboard:
    slots = from_json(json.loads(row["slots"]))
    return assemble(
        find_template(row["template"]), slots, locale=row["locale"], format=row["format"],
        height=int(row["height"]), asset_root=folder,
    )  # fmt: skip


def _start(
    settings: Settings, videos: Sequence[VideoRow], folder: Path, seconds: float
) -> subprocess.Popen[str]:
    folder.mkdir()
    rows = [
        {
            "template": video.template,
            "slots": json.dumps(video.slots),
            "locale": video.locale,
            "format": video.format,
            "height": settings.video_height,
        }
        for video in videos
    ]
    (folder / "videos.json").write_text(json.dumps(rows))
    command = [sys.executable, "-m", "benchmarks.road_renderer", str(folder),
               str(settings.compiled), str(seconds)]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _say(process: subprocess.Popen[str], word: str) -> None:
    if process.stdin is None:
        raise BenchmarkError("the renderer does not listen")
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def _expect(process: subprocess.Popen[str], word: str) -> str:
    line = process.stdout.readline() if process.stdout else ""
    first, _, rest = line.partition(" ")
    if first.strip() != word:
        raise BenchmarkError("the renderer ended before it was done; its words are above")
    if word == "rate":
        process.wait()
    return rest


if __name__ == "__main__":
    main(*sys.argv[1:])
