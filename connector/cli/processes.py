"""
Keeps several programs running in one terminal: what is behind `cuereel up` and `cuereel demo`.

What dies is started again with a growing pause; stopping is warm first (work is finished or handed
back) and hard within ten seconds; and if we are killed ourselves the kernel takes everything along.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from connector.cli.lifeline import tied_to_us
from connector.cli.voices import Voice

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_SECONDS = 30.0
WARM_SECONDS = 7.0
GRACE_SECONDS = 10.0
TICK = 0.1


@dataclass(frozen=True)
class Program:
    """One process: the name before its lines, its command, its environment; *after* some seconds."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    after: float = 0.0


@dataclass
class _Seat:
    """One program with the process that runs it just now."""

    program: Program
    voice: Voice
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = FIRST_PAUSE


class Supervisor:
    """
    Starts programs, restarts what dies, stops all.

    Lines go to the terminal with the name in front, or with *logs* to one file per program there.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        logs: Path | None = None,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._longest_pause = longest_pause
        width = max((len(program.name) for program in programs), default=0)
        self._seats = [
            _Seat(program, Voice(program.name, number, width=width, logs=logs))
            for number, program in enumerate(programs)
        ]
        self._stop = threading.Event()
        self._hard = threading.Event()
        # children die with the thread that started them, so one thread starts them all
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start everything, without waiting for it."""
        for seat in self._seats:
            seat.due = time.monotonic() + seat.program.after
        self._thread.start()

    def stop(self) -> None:
        """Stop everything, warm at first; return when nothing is left."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def hurry(self) -> None:
        """Stop everything now."""
        self._hard.set()
        self._stop.set()

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs, by name."""
        running = [(seat.program.name, seat.process) for seat in self._seats]
        return {name: process.pid for name, process in running if process is not None}

    def _run(self) -> None:
        while not self._stop.is_set():
            for seat in self._seats:
                if seat.process is None and time.monotonic() >= seat.due:
                    self._begin(seat)
                self._notice(seat)
            self._stop.wait(TICK)
        self._shut()

    def _begin(self, seat: _Seat) -> None:
        try:
            _spawn(seat)
        except OSError as error:
            seat.voice.say(f"cannot be started ({error}); again in {self._longest_pause:g} s")
            seat.due = time.monotonic() + self._longest_pause

    def _notice(self, seat: _Seat) -> None:
        """See whether the process has ended, and when to start the next one."""
        process = seat.process
        if process is None or process.poll() is None:
            return
        # what it left behind in its group goes too
        _kill_group(process)
        seat.voice.finish()
        seat.process = None
        if time.monotonic() - seat.started > HEALTHY_SECONDS:
            seat.pause = FIRST_PAUSE
        if not self._stop.is_set():
            seat.voice.say(f"{_ending(process)}; again in {seat.pause:g} s")
        seat.due = time.monotonic() + seat.pause
        seat.pause = min(self._longest_pause, seat.pause * 2)

    def _shut(self) -> None:
        # asked a second time, a worker no longer finishes but hands back
        steps = deque([(0.0, _ask), (WARM_SECONDS, _ask), (GRACE_SECONDS, _kill_group)])
        begun = time.monotonic()
        while processes := [seat.process for seat in self._seats if seat.process is not None]:
            passed = GRACE_SECONDS if self._hard.is_set() else time.monotonic() - begun
            while steps and passed >= steps[0][0]:
                _, step = steps.popleft()
                for process in processes:
                    step(process)
            time.sleep(TICK / 4)
            for seat in self._seats:
                self._notice(seat)


def _spawn(seat: _Seat) -> None:
    with seat.voice.mouth() as output:
        seat.process = subprocess.Popen(
            list(seat.program.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(seat.program.environment),
            # a Ctrl-C in the terminal reaches only us; we stop the others in order
            process_group=0,
            preexec_fn=tied_to_us(),
        )
    seat.started = time.monotonic()
    seat.voice.listen(seat.process)


@contextmanager
def running(
    programs: Sequence[Program], *, logs: Path | None = None, longest_pause: float = LONGEST_PAUSE
) -> Iterator[Supervisor]:
    """Keep *programs* running for as long as the block."""
    supervisor = Supervisor(programs, logs=logs, longest_pause=longest_pause)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def run_until_stopped(programs: Sequence[Program], ready: Callable[[], None]) -> None:
    """Run *programs* until Ctrl-C or SIGTERM; a second one does not wait for work in hand."""
    with running(programs) as supervisor, _interruptible(supervisor) as asked:
        ready()
        while not asked.wait(1):
            pass
        supervisor.stop()


@contextmanager
def _interruptible(supervisor: Supervisor) -> Iterator[threading.Event]:
    """Yield what is set by the first signal; that one also ends the block."""
    asked = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        if asked.is_set():
            supervisor.hurry()
            return
        asked.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    except KeyboardInterrupt:
        supervisor.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _ending(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def python(*arguments: str) -> tuple[str, ...]:
    """Return a command that runs a module with the Python that runs us."""
    return (sys.executable, "-m", *arguments)
