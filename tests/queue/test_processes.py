"""The supervisor keeps programs running, stops them in order, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connector.cli import processes
from connector.cli.processes import Program, Supervisor, run_until_stopped, running
from connector.cli.programs import (
    ensure_port_is_free,
    programs,
    variables,
    wait_until_ready,
    web_command,
)
from connector.errors import SettingError, TemporaryError
from connector.queues import QUEUES
from connector.settings import Settings, load_settings

STUBBORN = (
    "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
POLITE = "import time; print('up', flush=True); time.sleep(60)"
FAMILY = (
    "import subprocess,sys,time; "
    "child=subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)']); "
    "print(child.pid, flush=True); time.sleep(60)"
)


def program(name: str, source: str) -> Program:
    """Return a program of one line of Python."""
    return Program(name, (sys.executable, "-c", source), dict(os.environ))


def wait_for(happened: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def log_of(folder: Path, name: str) -> str:
    """Return what a program has written."""
    path = folder / f"{name}.log"
    return path.read_text() if path.exists() else ""


def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    """With another process id, after a short pause, and the log says why."""
    with running([program("web", POLITE)], logs=tmp_path) as supervisor:
        wait_for(lambda: "up" in log_of(tmp_path, "web"))
        before = supervisor.pids()["web"]

        os.kill(before, signal.SIGKILL)

        wait_for(lambda: supervisor.pids().get("web", before) != before)
    assert "was killed by signal 9; again in 0.5 s" in log_of(tmp_path, "web")


def test_a_program_that_keeps_failing_is_started_less_and_less(tmp_path: Path) -> None:
    """The pause doubles, so that a wrong setting does not heat the machine."""
    with running([program("web", "raise SystemExit(3)")], logs=tmp_path):
        wait_for(lambda: "again in 2 s" in log_of(tmp_path, "web"))

    lines = [line for line in log_of(tmp_path, "web").splitlines() if "again" in line]
    assert lines[:3] == [
        f"ended with exit code 3; again in {pause} s" for pause in ("0.5", "1", "2")
    ]


def test_a_program_that_is_not_there_is_said_and_others_run(tmp_path: Path) -> None:
    """A broken installation shows in the log of the one program."""
    missing = Program("web", ("/nowhere/gunicorn",), {})
    with running([missing, program("sweep", POLITE)], logs=tmp_path):
        wait_for(lambda: "up" in log_of(tmp_path, "sweep"))

    assert "cannot be started" in log_of(tmp_path, "web")


def test_stops_warm_and_leaves_nothing(tmp_path: Path) -> None:
    """What ends on SIGTERM ends at once."""
    with running([program("one", POLITE), program("two", POLITE)], logs=tmp_path) as supervisor:
        wait_for(lambda: len(supervisor.pids()) == 2)
        pids = list(supervisor.pids().values())
        begun = time.monotonic()

    assert time.monotonic() - begun < 2
    assert all(gone(pid) for pid in pids)


def test_what_does_not_want_to_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hard, within the time of grace, with everything in its group."""
    monkeypatch.setattr(processes, "WARM_SECONDS", 0.3)
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.6)
    with running([program("web", STUBBORN)], logs=tmp_path) as supervisor:
        wait_for(lambda: "up" in log_of(tmp_path, "web"))
        pid = supervisor.pids()["web"]
        begun = time.monotonic()

    assert 0.5 < time.monotonic() - begun < 3
    assert gone(pid)


def test_grandchildren_go_too(tmp_path: Path) -> None:
    """A program that dies leaves none of its own children."""
    with running([program("work", FAMILY)], logs=tmp_path) as supervisor:
        wait_for(lambda: log_of(tmp_path, "work").strip())
        grandchild = int(log_of(tmp_path, "work").split()[0])

        os.kill(supervisor.pids()["work"], signal.SIGKILL)

        wait_for(lambda: gone(grandchild))


def test_if_the_supervisor_is_killed_nothing_stays(tmp_path: Path) -> None:
    """The kernel ends what we can no longer stop."""
    source = (
        "import os,sys,time\n"
        "from connector.cli.processes import Program, running\n"
        "child = Program('one', (sys.executable, '-c', 'import time; time.sleep(60)'), os.environ)\n"
        "with running([child]) as supervisor:\n"
        "    while not supervisor.pids(): time.sleep(0.01)\n"
        "    print(supervisor.pids()['one'], flush=True)\n"
        "    time.sleep(60)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    child = int(ours.stdout.readline())

    ours.kill()
    ours.communicate()

    wait_for(lambda: gone(child), seconds=3)


def test_lines_carry_the_name_of_who_wrote_them(capfd: pytest.CaptureFixture[str]) -> None:
    """Also a last line without an end, and whatever bytes there are."""
    source = (
        "import sys; sys.stdout.buffer.write(b'one\\ntwo \\xff [red]\\nlast'); sys.stdout.flush()"
    )
    supervisor = Supervisor([program("web", source), program("sweep", POLITE)])
    supervisor.start()
    time.sleep(1)
    supervisor.stop()

    lines = capfd.readouterr().out.splitlines()
    assert (
        lines.index("web   │ one")
        < lines.index("web   │ two � [red]")
        < lines.index("web   │ last")
    )
    assert "sweep │ up" in lines


def test_ctrl_c_stops_everything_and_a_second_one_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to wait for the time of grace."""
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()

    run_until_stopped([program("web", STUBBORN)], lambda: None)

    assert time.monotonic() - begun < 4


def test_ctrl_c_is_heard_while_everything_still_starts() -> None:
    """Nobody has to wait until it is ready to make it stop."""
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    begun = time.monotonic()

    run_until_stopped([program("web", POLITE)], lambda: time.sleep(30))

    assert time.monotonic() - begun < 6


def test_a_port_in_use_is_one_sentence_before_anything_starts() -> None:
    """It names the port and the setting."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(SettingError, match=f"port {port} on 127.0.0.1 .* PORT"):
            ensure_port_is_free("127.0.0.1", port)
    ensure_port_is_free("127.0.0.1", port)


@pytest.fixture
def page() -> Iterator[str]:
    """A page that is not there at first."""
    begun = time.monotonic()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if time.monotonic() - begun > 0.3 else 503)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/healthz"
        server.shutdown()


def test_waits_until_it_is_ready(page: str) -> None:
    """Only a 200 counts."""
    assert 0.1 < wait_until_ready(page, seconds=5) < 3


def test_does_not_wait_for_ever() -> None:
    """The sentence says where to look."""
    with pytest.raises(TemporaryError, match="logs say why"):
        wait_until_ready("http://127.0.0.1:9/healthz", seconds=0.3)


def test_children_read_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set here by hand is passed on by the environment, paths as absolute ones."""
    monkeypatch.chdir(tmp_path)
    ours = Settings(home=Path("here"), PORT=8123, tracking="off", attempts=3)

    for name, value in variables(ours).items():
        monkeypatch.setenv(name, value)
    theirs = load_settings()

    assert theirs.folder == ours.folder
    assert (theirs.port, theirs.tracking, theirs.attempts) == (8123, "off", 3)


def test_one_small_machine_runs_four_processes(settings: Settings) -> None:
    """Web, two workers on all queues in the order of priority, and the sweep."""
    found = {p.name: p for p in programs(settings, "unix:///tmp/redis.sock")}

    assert list(found) == ["web", "work-1", "work-2", "sweep"]
    assert tuple(found["work-1"].command[-len(QUEUES) :]) == QUEUES
    assert {p.environment["REDIS_URL"] for p in found.values()} == {"unix:///tmp/redis.sock"}
    assert "connector.app:create_app()" in web_command(settings)


def test_the_procfile_has_a_line_for_each_kind_of_work() -> None:
    """In production one worker process serves one queue, and no queue is forgotten."""
    lines = (Path(__file__).parents[2] / "Procfile").read_text().splitlines()
    names = {line.split(":")[0]: line.split(": ", 1)[1] for line in lines}

    assert set(names) == {"release", "web", "sweep", *QUEUES}
    assert all(names[queue] == f"cuereel work {queue}" for queue in QUEUES)
