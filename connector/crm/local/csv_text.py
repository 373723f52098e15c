"""
The text of a CSV file: its encoding, its separator, and its rows with their line numbers.

Spreadsheets write UTF-8 with or without a mark, UTF-16, or the old Windows code page, separated by
commas, semicolons or tabs. One broken row must not swallow the rows after it.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.errors import PayloadError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD = "cp1252"
SEPARATORS = ",;\t|"
CHUNK = 1 << 20
LARGEST_FILE = 1 << 30


@dataclass(frozen=True)
class Line:
    """One row of cells, or what is wrong with it; *number* counts lines of the file from 1."""

    number: int
    cells: tuple[str, ...] = ()
    complaint: str = ""


def find_encoding(path: Path, wanted: str | None = None) -> str:
    """Return the encoding of a file; PayloadError where the text cannot be read with any."""
    size = _size(path)
    if size > LARGEST_FILE:
        raise PayloadError(f"{path.name} is larger than 1 GB; split it")
    if wanted is not None:
        return _checked(path, wanted)
    with path.open("rb") as file:
        head = file.read(4)
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if marked is not None:
        return _checked(path, marked)
    return next(name for name in ("utf-8", OLD, "") if _fits(path, name))


def find_separator(line: str) -> str:
    """Return the character that separates the cells of a header."""
    outside = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=lambda mark: (outside.count(mark), -SEPARATORS.index(mark)))


def read_lines(path: Path, encoding: str) -> Iterator[Line]:
    """Yield the rows of a file that are not blank, the header first."""
    with path.open(encoding=encoding, newline="") as file:
        source = _Source(file)
        separator = _separator(source)
        while not source.at_end():
            line = _next_line(source, separator)
            if line.complaint or any(cell.strip() for cell in line.cells):
                yield line


class _Source:
    """Lines that can be taken back, because a broken quote may have swallowed good ones."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def at_end(self) -> bool:
        """Tell whether nothing is left."""
        if not self._back:
            line = next(self._file, None)
            if line is not None:
                self._back.append(line)
        return not self._back

    def take_back(self, keep: int) -> None:
        """Give back all but the first *keep* lines taken since the last row."""
        self._back.extendleft(reversed(self.taken[keep:]))
        self.number -= len(self.taken) - keep


def _separator(source: _Source) -> str:
    if source.at_end():
        raise PayloadError("the file is empty")
    first = next(source).strip()
    if len(first) == 5 and first.startswith("sep="):
        # a line that spreadsheets write for one another
        return first[4]
    source.take_back(0)
    return find_separator(first)


def _next_line(source: _Source, separator: str) -> Line:
    source.taken = []
    start = source.number + 1
    try:
        cells = next(csv.reader(source, delimiter=separator, strict=True))
    except csv.Error as error:
        source.take_back(1)
        return Line(start, complaint=f"the quotes of this row do not fit ({error})")
    return Line(start, tuple(cells))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise PayloadError(f"{path} cannot be read: {error.strerror}") from None


def _checked(path: Path, encoding: str) -> str:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise PayloadError(f"there is no encoding {encoding!r}; try utf-8 or cp1252") from None
    if not _fits(path, encoding):
        raise PayloadError(f"{path.name} is not written in {encoding}; try another --encoding")
    return encoding


def _fits(path: Path, encoding: str) -> bool:
    if not encoding:
        raise PayloadError(
            f"{path.name} is neither UTF-8 nor Windows-1252 text; say which with --encoding, "
            "or save it as “CSV UTF-8”"
        )
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                # a NUL in text means two bytes per character, or no text at all
                if "\0" in decoder.decode(chunk):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
