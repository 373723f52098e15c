"""
What a running program says: lines on the terminal with its name in front, or a file of its own.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")
LAST_WORDS_SECONDS = 1.0


class Voice:
    """The output of one program, whatever process runs it just now."""

    def __init__(self, name: str, number: int, *, width: int = 0, logs: Path | None = None) -> None:
        self._prefix = Text(f"{name:<{width}} │ ", style=COLOURS[number % len(COLOURS)])
        self._file = logs / f"{name}.log" if logs is not None else None
        self._console = Console(soft_wrap=True, highlight=False)
        self._reader: threading.Thread | None = None

    @contextmanager
    def mouth(self) -> Iterator[int | IO[bytes]]:
        """Yield what a new process is to write to."""
        if self._file is None:
            yield subprocess.PIPE
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            yield file

    def listen(self, process: subprocess.Popen[bytes]) -> None:
        """Print what *process* says from now on."""
        if process.stdout is not None:
            self._reader = threading.Thread(
                target=self._read, args=(process.stdout,), name="voice", daemon=True
            )
            self._reader.start()

    def finish(self) -> None:
        """Wait for the last words of a process that has ended."""
        if self._reader is not None:
            self._reader.join(LAST_WORDS_SECONDS)
            self._reader = None

    def say(self, sentence: str) -> None:
        """Add a line of our own."""
        if self._file is None:
            self._print(sentence)
            return
        with self._file.open("a") as file:
            file.write(f"{sentence}\n")

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._print(line.decode(errors="replace").rstrip("\r\n"))

    def _print(self, line: str) -> None:
        self._console.print(self._prefix + Text.from_ansi(line))
