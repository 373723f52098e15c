"""
Beacons of growing sessions, against an empty view of the same application on the same server.

The server is the one that `cuereel up` runs, with as many clients as it has threads. Rounds of the
two alternate, and their rates make the ratio. Measuring begins after them: then, in one more round of
beacons, a web worker, the measure worker and Redis are killed. Afterwards the database must hold
whatever was ever answered with 204. `--json` prints {"ratio_to_empty_view", "p99_ms", "accepted",
"stored"}, the p99 over all rounds; exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy import select

from benchmarks.beacons_crowd import DURATION, Round, count, run_round
from benchmarks.render_peers.processes import BenchmarkError, tell
from connector import app as application
from connector.cli.prepare import LOCAL, prepare
from connector.cli.processes import Program, Supervisor, python, running
from connector.cli.programs import free_port, variables, wait_until_ready, web_command
from connector.cli.redis_server import PrivateRedis, find_server, private_folder
from connector.model import VideoStatus
from connector.queues import connect
from connector.secrets import Keyring, new_token, token_hash
from connector.settings import Settings
from connector.store import Store, records, sessions, videos
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.sessions import SessionRow
from connector.store.tables import sessions as sessions_table
from connector.store.tables import triggers
from connector.store.videos import NewVideo
from connector.web.wire import make_ticket

RATIO = 0.4
VIDEOS = 1500  # enough that no video is told of more often than a player may
SECONDS, WARM_SECONDS, START_SECONDS = 4.0, 2.0, 60.0
PAIRS = 5
HOUR = 3_600_000
AT_ONCE = 500
Kill = Callable[[], None]


def main() -> int:
    """Run the comparison, print the figures, and tell when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="beacons-") as folder:
            result = compare(Path(folder), given.seconds)
    except BenchmarkError as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")
    lines = missed(result)
    sys.stderr.writelines(f"missed: {line}\n" for line in lines)
    return 1 if lines else 0


def missed(result: dict[str, float]) -> list[str]:
    """Return a sentence for each bar that was missed."""
    lines = []
    if result["ratio_to_empty_view"] < RATIO:
        lines.append(f"the ratio is {result['ratio_to_empty_view']}, at least {RATIO} is wanted")
    if not result["accepted"]:
        lines.append("no beacon was accepted")
    if result["stored"] != result["accepted"]:
        lost = result["accepted"] - result["stored"]
        lines.append(f"{lost:g} beacons were answered with 204 and are not stored")
    return lines


def create_app() -> Flask:
    """Return Cuereel with an empty view beside its own."""
    app = application.create_app()

    def empty() -> Response:
        return Response(status=204)

    app.extensions["csrf"].exempt(app.post("/empty")(empty))
    return app


def compare(folder: Path, seconds: float) -> dict[str, float]:
    """Return the figures: the median of the rounds, and the slowest hundredth of all beacons."""
    settings = Settings(
        home=folder / "home",
        DATABASE_URL="",
        REDIS_URL="",
        PORT=free_port("127.0.0.1", 8800),
        secret_keys="",
        host="127.0.0.1",
        # on two cores the measure worker would be measured as well
        coalesce_seconds=2 * WARM_SECONDS + 2 * PAIRS * seconds,
    )
    tickets = _set_up(settings)
    with _everything(settings) as kills:
        run_round(settings.port, "/empty", tickets, WARM_SECONDS)
        warm = run_round(settings.port, "/e", tickets, WARM_SECONDS)
        pairs = [_pair(settings.port, tickets, seconds) for _ in range(PAIRS)]
        killed = _round_with_kills(settings.port, tickets, 2 * seconds, kills)
    rounds = [*(ours for ours, _ in pairs), killed]
    told = {name: session for one in (warm, *rounds) for name, session in one.sessions.items()}
    accepted, stored = count(told, _stored(settings))
    times = sorted(taken for one in rounds for taken in one.times)
    return {
        "ratio_to_empty_view": round(statistics.median(a.rate / b.rate for a, b in pairs), 3),
        "p99_ms": round(times[int(len(times) * 0.99) - 1] * 1000, 1),
        "accepted": accepted,
        "stored": stored,
    }


def _pair(port: int, tickets: Sequence[str], seconds: float) -> tuple[Round, Round]:
    empty = run_round(port, "/empty", tickets, seconds)
    ours = run_round(port, "/e", tickets, seconds)
    tell(f"{ours.rate:.0f} beacons a second, {empty.rate:.0f} empty answers")
    if not empty.times or not ours.times or ours.refused:
        raise BenchmarkError(f"not everything was answered with 204: {ours.refused}")
    return ours, empty


def _round_with_kills(
    port: int, tickets: Sequence[str], seconds: float, kills: dict[str, Kill]
) -> Round:
    pause = seconds / (len(kills) + 1)
    done: list[str] = []

    def strike(name: str) -> None:
        kills[name]()
        done.append(name)

    timers = [threading.Timer(pause * n, strike, [name]) for n, name in enumerate(kills, 1)]
    for timer in timers:
        timer.start()
    result = run_round(port, "/e", tickets, seconds)
    for timer in timers:
        timer.join()
    if done != list(kills):
        raise BenchmarkError(f"only {done} could be killed")
    tell(
        f"{result.rate:.0f} a second while {', '.join(kills)} were killed: {result.broken} "
        f"connections broke, refused: {result.refused or 'none'}"
    )
    return result


@contextmanager
def _everything(settings: Settings) -> Iterator[dict[str, Kill]]:
    """Run web, a measure worker, the sweep and Redis; yield how to kill what is to be killed."""
    with (
        private_folder() as folder,
        PrivateRedis(find_server(), folder) as redis,
        running(_programs(settings, redis.url), logs=settings.folder / "logs") as supervisor,
    ):
        wait_until_ready(f"{settings.base_url}/healthz", seconds=START_SECONDS)
        _await_worker(redis.url)
        yield {
            "the web worker": lambda: _kill(_a_child(supervisor.pids()["web"])),
            "the measure worker": lambda: _kill(supervisor.pids()["measure"]),
            "Redis": lambda: _kill(redis.pid),
        }
        _require_alive(supervisor)


def _programs(settings: Settings, redis_url: str) -> list[Program]:
    environment = {**os.environ, **variables(settings), "REDIS_URL": redis_url}
    commands = {
        "web": web_command(settings, "benchmarks.beacons:create_app()"),
        "measure": python("connector.cli", "work", "measure"),
        "sweep": python("connector.cli", "sweep"),
    }
    return [Program(name, command, environment) for name, command in commands.items()]


def _await_worker(redis_url: str) -> None:
    deadline, link = time.monotonic() + START_SECONDS, connect(redis_url)
    while time.monotonic() < deadline:
        try:
            if Worker.count(connection=link):
                return
        except RedisError:
            pass
        time.sleep(0.1)
    raise BenchmarkError("the measure worker did not come up; look into its log")


def _a_child(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    if not children:
        raise BenchmarkError("the web server has no worker that could be killed")
    return int(children[0])


def _kill(pid: int | None) -> None:
    if pid is None:
        raise BenchmarkError("what was to be killed is dead already")
    os.kill(pid, signal.SIGKILL)


def _require_alive(supervisor: Supervisor) -> None:
    """Wait until what was killed is back; everything must be, by itself."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if set(supervisor.pids()) == {"web", "measure", "sweep"}:
            return
        time.sleep(0.1)
    raise BenchmarkError(f"only {sorted(supervisor.pids())} came back")


def _set_up(settings: Settings) -> list[str]:
    """Prepare an installation with finished videos; return the token of each one's page."""
    prepared = prepare(settings)
    tickets: list[str] = []
    for start in range(0, VIDEOS, AT_ONCE):
        tickets += _add_videos(prepared.store, prepared.keyring, range(start, start + AT_ONCE))
    prepared.store.close()
    return tickets


def _add_videos(store: Store, keyring: Keyring, numbers: range) -> list[str]:
    tickets = []
    with store.write() as tx:
        moment = now(tx)
        for number in numbers:
            contact, trigger, token = f"p{number:05}", new_id(), new_token()
            records.put(tx, LOCAL, "contact", contact, {"email": f"{contact}@example.org"})
            tx.execute(triggers.insert().values(
                id=trigger, connection_id=LOCAL, key=trigger, kind="contact_onboarding",
                subject_kind="contact", subject_id=contact, occurred_at=moment, facts={},
                work="done", due_at=0,
            ))  # fmt: skip
            video = videos.mint(
                tx, _new_video(trigger, contact), token_hash(token), keyring.encrypt(token)
            )
            if video is None:
                raise BenchmarkError("a video could not be minted")
            receipt = {"duration": DURATION, "scenes": [], "files": {}}
            videos.change(tx, video, status=VideoStatus.READY, work="done", receipt=receipt,
                          minted_at=moment - HOUR)  # fmt: skip
            tickets.append(make_ticket(keyring, video, moment - HOUR))
    return tickets


def _new_video(trigger: str, contact: str) -> NewVideo:
    return NewVideo(
        connection_id=LOCAL, trigger_id=trigger, campaign="onboarding", campaign_version="1",
        step=0, subject_kind="contact", subject_id=contact, contact_id=contact,
        template="onboarding", variant="", locale="en", format="16:9", slots={},
        fallback_slots=[], call_to_action=None, fresh_seconds=None, expires_seconds=86_400,
        queue="render", on_open=False,
    )  # fmt: skip


def _stored(settings: Settings) -> dict[str, SessionRow]:
    with Store(settings.database) as store, store.read() as tx:
        ids = list(tx.execute(select(sessions_table.c.id)).scalars())
        return {
            session: row
            for start in range(0, len(ids), AT_ONCE)
            for session, row in sessions.by_ids(tx, ids[start : start + AT_ONCE]).items()
        }


if __name__ == "__main__":
    sys.exit(main())
