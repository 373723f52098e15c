"""
The whole road against the renderer alone: a campaign on the local CRM, from trigger to record.

Contacts are imported, each has its trigger sent to our hooks, two workers plan, render and write
back. Before and after, two processes do nothing but render such videos with all that belongs to
them. `--json` prints {"videos", "videos_per_s", "renderer_videos_per_s", "ratio"}; exit code 1
where the ratio is below its bar.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.render_peers.processes import BenchmarkError, tell
from benchmarks.road_campaign import run_campaign, set_up
from benchmarks.road_renderer import throughput
from connector.cli.programs import free_port
from connector.settings import Settings

SUBJECTS, WARM_UP = 2000, 24
RATIO = 0.75
WORKERS = 2
PATIENCE_MINUTES = 60.0


def main() -> int:
    """Run the campaign, print the figures, and tell when the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument("--height", type=int, default=720, help="the shorter side of the videos")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="road-") as folder:
            result = compare(Path(folder), given.subjects, given.height)
    except BenchmarkError as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")
    if result["ratio"] < RATIO:
        sys.stderr.write(f"missed: the ratio is {result['ratio']}, at least {RATIO} is wanted\n")
        return 1
    return 0


def compare(folder: Path, subjects: int, height: int) -> dict[str, float]:
    """Return the figures; what the renderer does alone is the mean of before and after."""
    settings = _settings(folder, height)
    warm_up = min(WARM_UP, subjects)
    set_up(settings, subjects + warm_up)
    tell(f"a first {warm_up} videos, so that everything is compiled")
    first = run_campaign(settings, range(warm_up), workers=WORKERS, minutes=PATIENCE_MINUTES)
    tell("the renderer alone, before")
    before = throughput(settings, first.videos, processes=WORKERS)
    tell(f"{before:.2f} videos a second; now the campaign of {subjects}")
    road = run_campaign(
        settings, range(warm_up, warm_up + subjects), workers=WORKERS, minutes=PATIENCE_MINUTES
    )
    tell("the renderer alone, after")
    after = throughput(settings, road.videos, processes=WORKERS)
    alone, rate = statistics.fmean((before, after)), subjects / road.seconds
    tell(f"{after:.2f} videos a second alone, {rate:.2f} on the road")
    return {
        "videos": subjects,
        "videos_per_s": round(rate, 3),
        "renderer_videos_per_s": round(alone, 3),
        "ratio": round(rate / alone, 3),
    }


def _settings(folder: Path, height: int) -> Settings:
    """The embedded default of one machine, whatever this machine's variables say."""
    return Settings(
        home=folder / "home",
        DATABASE_URL="",
        REDIS_URL="",
        PUBLISH_URL="",
        PUBLIC_BASE_URL="",
        PORT=free_port("127.0.0.1", 8700),
        secret_keys="",
        host="127.0.0.1",
        video_height=height,
    )


if __name__ == "__main__":
    sys.exit(main())
