"""Runs one contestant in a process of its own; the operating system says what it cost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = "CUEREEL_HOME"  # where compiled templates lie; every contestant gets the folder it names
_LOOK_SECONDS = 0.05


class BenchmarkError(Exception):
    """Say in one sentence why there are no figures."""


@dataclass(frozen=True)
class Ran:
    """What a process printed (its last line, as JSON), and what it used, its children included."""

    result: dict[str, Any]
    cpu_s: float
    peak_anonymous_mb: float


@dataclass
class Spent:
    """CPU seconds of a block, user and system, of this process and of children it waited for."""

    cpu_s: float = 0.0


@contextmanager
def cpu() -> Iterator[Spent]:
    """Measure a block."""
    spent, before = Spent(), _used()
    yield spent
    spent.cpu_s = _used() - before


def run_module(module: str, *arguments: object, home: Path) -> Ran:
    """Run a module of this package; BenchmarkError with its last words where it fails."""
    command = [sys.executable, "-m", f"benchmarks.render_peers.{module}", *map(str, arguments)]
    return run(command, home=home)


def run(command: Sequence[str], *, home: Path | None = None) -> Ran:
    """Run a command and wait for it, looking at its memory meanwhile."""
    environment = {**os.environ, **({HOME: str(home)} if home else {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(list(command), stdout=out, stderr=err, env=environment)
        peak, done, code, usage = 0.0, 0, 0, None
        while not done:
            time.sleep(_LOOK_SECONDS)
            peak = max(peak, anonymous_mb(process.pid))
            done, code, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode:
            raise BenchmarkError(
                f"{' '.join(command[:4])} … failed with exit code {process.returncode}:\n"
                f"{_last(err, 2000)}"
            )
        words = _last(out, 1_000_000).strip().splitlines()
    result = json.loads(words[-1]) if words and words[-1].startswith("{") else {}
    spent = usage.ru_utime + usage.ru_stime if usage else 0.0
    return Ran(result, spent, peak)


def anonymous_mb(pid: int | str = "self") -> float:
    """Read how much memory of a process is its own and backed by no file."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    found = [line.split() for line in lines.splitlines() if line.startswith("RssAnon:")]
    return int(found[0][1]) / 1024 if found else 0.0


def tell(words: str) -> None:
    """Say on stderr how far the benchmark is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stderr.flush()


def _used() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _last(file: Any, size: int) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(file.tell() - size, 0))
    return bytes(file.read()).decode("utf-8", "replace")
