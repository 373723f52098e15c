"""
The first open of a video that nobody has made yet, against the render's own time.

A viewer's page posts `/open` and asks `/status`, at the page's own pace, until the video is ready, then loads
itself and the film: the request, the ring, the worker's start, the render, the files and the commit. The same videos are then rendered in a process
that has done it before. `--json` prints {"ratio"}; exit code 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import requests
from rq import Worker

from benchmarks.render_peers.processes import BenchmarkError, tell
from benchmarks.road_campaign import run_campaign, set_up
from connector.cli.prepare import prepare
from connector.cli.processes import running
from connector.cli.programs import free_port, programs, wait_until_ready
from connector.cli.redis_server import embedded_redis
from connector.decide.stored import from_json
from connector.queues import connect
from connector.secrets import new_token, token_hash
from connector.settings import Settings
from connector.store import videos
from connector.store.videos import NewVideo, VideoRow
from renderers.render import render
from renderers.storyboard import Storyboard, assemble
from renderers.template import find_template

RATIO = 2.0
VIDEOS, WORKERS = 5, 2
ASK_SECONDS = 0.05
FIRST_ASK, SLOWER = 0.25, 1.2  # as static/watch.js asks
PATIENCE_SECONDS, CAMPAIGN_MINUTES = 60.0, 5.0
OURS = frozenset(field.name for field in fields(NewVideo))
ONCE_MORE = 100  # steps of no campaign, so that a trigger may have a second video


@dataclass(frozen=True)
class Unmade:
    """A video that waits for its first open, and the token of its page."""

    token: str
    like: VideoRow


def main() -> int:
    """Run the comparison, print the figure, and tell when the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--videos", type=int, default=VIDEOS)
    parser.add_argument("--height", type=int, default=720, help="the shorter side of the videos")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="open-") as folder:
            result = compare(Path(folder), given.videos, given.height)
    except BenchmarkError as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")
    if result["ratio"] > RATIO:
        sys.stderr.write(f"missed: the ratio is {result['ratio']}, at most {RATIO:g} is wanted\n")
        return 1
    return 0


def compare(folder: Path, count: int, height: int) -> dict[str, float]:
    """Return the figure: the median open by the median render, of the same videos."""
    settings = Settings(
        home=folder / "home",
        DATABASE_URL="",
        REDIS_URL="",
        PUBLISH_URL="",
        PUBLIC_BASE_URL="",
        PORT=free_port("127.0.0.1", 8900),
        secret_keys="",
        host="127.0.0.1",
        video_height=height,
    )
    set_up(settings, count)
    tell(f"a campaign of {count}, so that there are videos and everything is compiled")
    made = run_campaign(settings, range(count), workers=WORKERS, minutes=CAMPAIGN_MINUTES).videos
    unmade = _mint_again(settings, made)
    with _everything(settings):
        opened = [_open(settings.base_url, video.token) for video in unmade]
    rendered = _render_alone(settings, unmade, folder / "alone")
    first, alone = statistics.median(opened), statistics.median(rendered)
    tell(f"{first:.2f} s from the first open to the video, {alone:.2f} s to render it")
    return {"ratio": round(first / alone, 3)}


def _mint_again(settings: Settings, made: Sequence[VideoRow]) -> list[Unmade]:
    """Mint each video once more, as a campaign does that renders on the first open."""
    prepared, unmade = prepare(settings), []
    with prepared.store.write() as tx:
        for video in made:
            token = new_token()
            values = {name: getattr(video, name) for name in OURS if hasattr(video, name)} | {
                "step": video.step + ONCE_MORE,
                "queue": "render",
                "expires_seconds": 86_400,
                "on_open": True,
            }
            videos.mint(tx, NewVideo(**values), token_hash(token), prepared.keyring.encrypt(token))
            unmade.append(Unmade(token, video))
    prepared.store.close()
    return unmade


@contextmanager
def _everything(settings: Settings) -> Iterator[None]:
    """Run what `cuereel up` runs: Redis, web, workers, sweep."""
    with embedded_redis(settings) as redis_url:
        started = programs(settings, redis_url, workers=WORKERS)
        with running(started, logs=settings.folder / "logs"):
            wait_until_ready(f"{settings.base_url}/healthz")
            _await_workers(redis_url)
            yield


def _await_workers(redis_url: str) -> None:
    deadline, link = time.monotonic() + PATIENCE_SECONDS, connect(redis_url)
    while Worker.count(connection=link) < WORKERS:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the {WORKERS} workers did not come up; look into their logs")
        time.sleep(ASK_SECONDS)
    link.close()


def _open(base_url: str, token: str) -> float:
    """Open a video for the first time; return the seconds until its page can play it."""
    address, begun = f"{base_url}/v/{token}", time.monotonic()
    answer = requests.post(f"{address}/open", allow_redirects=False, timeout=10)
    if answer.status_code != requests.codes.see_other:
        raise BenchmarkError(f"/open answered {answer.status_code}")
    wait = FIRST_ASK
    while time.monotonic() - begun < PATIENCE_SECONDS:
        time.sleep(wait)
        wait *= SLOWER
        state = requests.get(f"{address}/status", timeout=10).json()
        if state["ready"]:
            # what the page then asks for: itself once more, and the beginning of the film
            for what in ("", "/video.mp4"):
                requests.get(address + what, headers={"Range": "bytes=0-65535"}, timeout=10)
            return time.monotonic() - begun
        if not state["coming"]:
            raise BenchmarkError("the video was given up; look into the workers' logs")
    raise BenchmarkError(f"the video was not ready within {PATIENCE_SECONDS:g} s")


def _render_alone(settings: Settings, unmade: Sequence[Unmade], folder: Path) -> list[float]:
    """Return the seconds that each render takes by itself, after a first one that is not counted."""
    boards = [_board(settings, video.like) for video in unmade]
    _render(settings, boards[0], folder)
    return [_render(settings, board, folder) for board in boards]


def _render(settings: Settings, board: Storyboard, folder: Path) -> float:
    begun = time.monotonic()
    render(board, folder, compiled=settings.compiled)
    taken = time.monotonic() - begun
    shutil.rmtree(folder)
    return taken


def _board(settings: Settings, video: VideoRow) -> Storyboard:
    return assemble(
        find_template(video.template, settings.template_folders),
        from_json(video.slots),
        locale=video.locale,
        format=video.format,
        height=settings.video_height,
        asset_root=settings.folder / "assets",
    )


if __name__ == "__main__":
    sys.exit(main())
