"""
One personal film by four means: ours, MoviePy, one ffmpeg pass, and nothing but the encoder.

Each runs in a process of its own, all with x264 veryfast crf 23 in mind; rounds alternate, and the
operating system counts CPU seconds. `--json` prints, for `cards` (personal text over stills) and
`footage` (over films), {"cpu_s", "cold_s", "extras_s", "vs_moviepy", "vs_ffmpeg", "vs_encoder",
"psnr_db", "bytes_ratio"}, and "rss_mb" and "rss_growth_mb_per_1000" of a worker. Exit code 1 where
a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.reel import CASES, HEIGHT, make_reel
from benchmarks.render_peers.processes import BenchmarkError
from benchmarks.render_peers.report import machine, markdown, missed
from benchmarks.render_peers.rounds import Plan, compare, remember


def main() -> int:
    """Run the comparison, print it, and tell which bars were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true", help="the table of docs/benchmarks.md")
    parser.add_argument("--folder", type=Path, help="keep pictures and films here, for next time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--videos", type=int, default=50, help="videos of ours in each round")
    parser.add_argument("--memory-videos", type=int, default=1000)
    parser.add_argument("--height", type=int, default=HEIGHT)
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as passing:
            plan = Plan(
                reel=given.folder or Path(passing) / "reel",
                work=Path(passing),
                height=given.height,
                rounds=given.rounds,
                videos=given.videos,
            )
            result = run(plan, given.memory_videos)
    except BenchmarkError as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 2
    sys.stdout.write((markdown(result) if given.markdown else _text(result, given.json)) + "\n")
    complaints = missed(result)
    for sentence in complaints:
        sys.stderr.write(f"missed: {sentence}\n")
    return 1 if complaints else 0


def run(plan: Plan, memory_videos: int) -> dict[str, Any]:
    """Return all figures."""
    make_reel(plan.reel)
    result: dict[str, Any] = {case: compare(plan, case) for case in CASES}
    result |= remember(plan, memory_videos)
    peers = {case: result[case].pop("peers") for case in CASES}
    peers["memory"] = result.pop("memory")
    return {**result, "peers": peers, "machine": machine()}


def _text(result: dict[str, Any], as_json: bool) -> str:
    return json.dumps(result, indent=None if as_json else 2)


if __name__ == "__main__":
    sys.exit(main())
