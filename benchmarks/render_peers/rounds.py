"""The rounds of the comparison: who runs when, and what becomes of the figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reel import CASES, board_of
from benchmarks.render_peers import with_ffmpeg
from benchmarks.render_peers.likeness import SAME_DB
from benchmarks.render_peers.processes import BenchmarkError, Ran, run, run_module, tell

COLD_RUNS = 3
WARM_VIDEOS = 100  # rendered before memory is looked at
_PERSON = 7  # whose film the peers make


@dataclass(frozen=True)
class Plan:
    """What is compared, how large, and how often."""

    reel: Path
    work: Path
    height: int
    rounds: int
    videos: int

    def template(self, case: str) -> Path:
        """Name the template's folder."""
        return self.reel / case

    def folder(self, name: str) -> Path:
        """Make a folder for what one contestant writes."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def compiled(self, name: str) -> Path:
        """Name the place of compiled scenes, which our own runs share and cold ones do not."""
        return self.folder(f"home-{name}") / "compiled"

    def ours(self, way: str, case: str, count: int, *, home: str = "warm") -> Ran:
        """Run our renderer in a process of its own."""
        return run_module(
            "ours", way, self.template(case), count, self.height, self.folder(f"ours-{way}"),
            self.compiled(home), home=self.folder(f"home-{home}"),
        )  # fmt: skip


def compare(plan: Plan, case: str) -> dict[str, Any]:
    """Return the figures of one case; a ratio is the median of the rounds' ratios."""
    rounds = []
    for number in range(plan.rounds):
        tell(f"{case}: round {number + 1} of {plan.rounds}")
        rounds.append(_round(plan, case))
    tell(f"{case}: first videos in fresh processes")
    cold = [
        plan.ours("first", case, _PERSON, home=f"cold-{case}-{n}").cpu_s for n in range(COLD_RUNS)
    ]
    tell(f"{case}: looking at what was made")
    seen = _look(plan, case)
    middle: dict[str, float] = {
        name: statistics.median(one[name] for one in rounds) for name in rounds[0]
    }

    def times(peer: str) -> float:
        return round(statistics.median(one[peer] / one["ours"] for one in rounds), 2)

    return {
        "cpu_s": round(middle["ours"], 4),
        "cold_s": round(statistics.median(cold), 2),
        "extras_s": round(middle["extras"], 4),
        "vs_moviepy": times("moviepy"),
        "vs_ffmpeg": times("ffmpeg"),
        "vs_encoder": round(statistics.median(one["ours"] / one["encoder"] for one in rounds), 2),
        "psnr_db": round(seen["psnr_db"], 2),
        "bytes_ratio": round(seen["bytes_ratio"], 3),
        "peers": {
            "cpu_s": {name: round(value, 3) for name, value in middle.items()},
            "vs_moviepy_careful": times("moviepy_careful"),
            "vs_ffmpeg_careful": times("ffmpeg_careful"),
            "unique_frames": round(middle["unique_frames"]),
            "whole_psnr_db": round(seen["whole_psnr_db"], 2),
            **{name: seen[name] for name in ("likeness", "bytes")},
        },
    }


def remember(plan: Plan, videos: int) -> dict[str, Any]:
    """Render on and on in one process; return its largest memory and how that grows."""
    tell(f"memory: {videos} videos in one process")
    counts = {"cards": videos, "footage": min(videos, WARM_VIDEOS)}
    runs = {case: plan.ours("many", case, counts[case]) for case in CASES}
    peaks = {case: round(ran.peak_anonymous_mb, 1) for case, ran in runs.items()}
    sizes = runs["cards"].result["anonymous_mb"]
    settled = sizes[min(WARM_VIDEOS, len(sizes) // 3) :]
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0
    return {
        "rss_mb": max(peaks.values()),
        "rss_growth_mb_per_1000": round(slope * 1000, 2),
        "memory": {"peak_mb": peaks, "after_each_video_mb": sizes[:: max(len(sizes) // 20, 1)]},
    }


def _round(plan: Plan, case: str) -> dict[str, float]:
    """Let everybody run once, one after the other."""
    mine = plan.ours("warm", case, plan.videos).result
    bare = _peer(plan, "bare_encoder", case).result
    return {
        "ours": mine["cpu_s"],
        "extras": mine["extras_s"],
        "encoder": bare["cpu_s"],
        "unique_frames": bare["frames"],
        **{name: make(plan, case, _film(plan, case, name)) for name, make in _PEERS.items()},
    }


def _film(plan: Plan, case: str, name: str) -> Path:
    return plan.folder(f"peers-{case}") / f"{name}.mp4"


def _moviepy(way: str) -> Callable[[Plan, str, Path], float]:
    def make(plan: Plan, case: str, target: Path) -> float:
        return float(_peer(plan, "with_moviepy", case, target, way).result["cpu_s"])

    return make


def _ffmpeg(*, careful: bool) -> Callable[[Plan, str, Path], float]:
    def make(plan: Plan, case: str, target: Path) -> float:
        board = board_of(plan.template(case), _PERSON, height=plan.height)
        return run(with_ffmpeg.command(board, target.parent, target, careful=careful)).cpu_s

    return make


def _peer(plan: Plan, module: str, case: str, *more: object) -> Ran:
    place = (plan.template(case), _PERSON, plan.height)
    return run_module(module, *place, *more, home=plan.folder("home-peers"))


_PEERS: dict[str, Callable[[Plan, str, Path], float]] = {
    "moviepy": _moviepy("usual"),
    "ffmpeg": _ffmpeg(careful=False),
    "moviepy_careful": _moviepy("careful"),
    "ffmpeg_careful": _ffmpeg(careful=True),
}


def _look(plan: Plan, case: str) -> dict[str, Any]:
    """Compare pictures and bytes; a benchmark of films that differ would be worthless."""
    ours = Path(plan.ours("first", case, _PERSON).result["video"])
    films = {name: _film(plan, case, name) for name in _PEERS}
    seen = _peer(plan, "likeness", case, ours, *films.values()).result
    for name, scenes in seen["likeness"].items():
        for scene, decibels in scenes.items():
            if decibels < SAME_DB:
                raise BenchmarkError(
                    f"{name} shows something else in scene {scene!r} of {case}: its picture is "
                    f"{decibels} dB like ours, {SAME_DB} are wanted; mend "
                    "benchmarks/render_peers/scenes.py"
                )
    sizes = {"ours": ours.stat().st_size, "whole": seen["whole_bytes"]}
    sizes |= {name: film.stat().st_size for name, film in films.items()}
    return {**seen, "bytes": sizes, "bytes_ratio": sizes["ours"] / sizes["ffmpeg"]}
