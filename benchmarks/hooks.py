"""
Webhook in, verified, committed, answered; against a bare view that commits one row.

Both run under the same gunicorn on the same SQLite settings; rounds alternate. `--json` prints
{"ratio", "hooks_per_s", "bare_per_s", "p99_ms", "p99_ms_while_rendering"}.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.cli.prepare import LOCAL, prepare
from connector.cli.programs import free_port, variables, wait_until_ready, web_command
from connector.crm.local.gateway import Announcement, event_body
from connector.model import Subject
from connector.settings import Settings
from connector.signing import signed_headers
from connector.store import connections
from connector.store.ids import new_id

CLIENTS, SECONDS, ROUNDS = 4, 4.0, 3
Call = Callable[[], tuple[str, bytes, dict[str, str]]]


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        result = compare(Path(folder))
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")


def compare(folder: Path) -> dict[str, float]:
    """Return the figures, medians over the rounds."""
    settings = Settings(home=folder / "hooks", PORT=free_port("127.0.0.1", 8600))
    bare = Settings(home=folder / "bare", PORT=free_port("127.0.0.1", settings.port + 1))
    hook = _hook(settings)
    prepare(bare).store.close()
    with (
        _server(settings, "connector.app:create_app()", f"{settings.base_url}/healthz"),
        _server(bare, "benchmarks.bare:create_app()", None),
    ):
        rounds = [(_load(settings.port, hook), _load(bare.port, _plain)) for _ in range(ROUNDS)]
        with _rendering(folder):
            busy = _load(settings.port, hook)
    ours = [first for first, _ in rounds]
    theirs = [second for _, second in rounds]
    return {
        "ratio": round(statistics.median(a[0] / b[0] for a, b in rounds), 3),
        "hooks_per_s": round(statistics.median(rate for rate, _ in ours), 1),
        "bare_per_s": round(statistics.median(rate for rate, _ in theirs), 1),
        "p99_ms": round(statistics.median(p99 for _, p99 in ours) * 1000, 1),
        "p99_ms_while_rendering": round(busy[1] * 1000, 1),
    }


def _hook(settings: Settings) -> Call:
    prepared = prepare(settings)
    with prepared.store.read() as tx:
        row = connections.get(tx, prepared.keyring, LOCAL)
    prepared.store.close()
    if row is None:
        raise RuntimeError("the local CRM is not connected")
    secret = str(row.secrets["signing"][0])

    def call() -> tuple[str, bytes, dict[str, str]]:
        event = Announcement("contact.onboarding", Subject("contact", new_id()))
        body = event_body(event, datetime.now(UTC)).encode()
        return (
            f"/hooks/local/{LOCAL}",
            body,
            signed_headers(secret, new_id(), body, datetime.now(UTC)),
        )

    return call


def _plain() -> tuple[str, bytes, dict[str, str]]:
    return "/", b'{"type":"contact.onboarding","object":{"kind":"contact","id":"1"}}', {}


@contextmanager
def _server(settings: Settings, application: str, ready: str | None) -> Iterator[None]:
    environment = {**os.environ, **variables(settings), "REDIS_URL": "", "DATABASE_URL": ""}
    process = subprocess.Popen(web_command(settings, application), env=environment)
    try:
        if ready:
            wait_until_ready(ready)
        else:
            _wait_for_port(settings.port)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(port: int) -> None:
    for _ in range(600):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on {port}")


def _load(port: int, call: Call) -> tuple[float, float]:
    """Post from several threads for some seconds; return requests per second and the p99."""
    times: list[float] = []
    deadline = time.monotonic() + SECONDS

    def client() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < deadline:
            path, body, headers = call()
            begun = time.monotonic()
            link.request("POST", path, body, headers)
            answer = link.getresponse()
            answer.read()
            if answer.status != 202:
                raise RuntimeError(f"answered {answer.status}")
            times.append(time.monotonic() - begun)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - begun
    return len(times) / elapsed, sorted(times)[int(len(times) * 0.99) - 1]


@contextmanager
def _rendering(folder: Path) -> Iterator[None]:
    """Render on one core meanwhile, as a worker beside the web process does."""
    command = [sys.executable, "-m", "connector.cli", "render", "onboarding", "--slots",
               str(_slots(folder)), "--out", str(folder / "out")]  # fmt: skip
    environment: dict[str, Any] = {**os.environ, "CUEREEL_HOME": str(folder / "render")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    time.sleep(2)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _slots(folder: Path) -> Path:
    path = folder / "slots.json"
    path.write_text(json.dumps({"first_name": "Ana"}))
    return path


if __name__ == "__main__":
    main()
