"""Keeps what was made once per template on this machine's disk: a cache that may be thrown away.

One folder per template version, brand, format, size and encoder. `manifest.json` names every piece
with its hash; a piece is written beside its name, renamed when it is whole, and made by one process
at a time, while others wait for it. What does not match its hash is made again.
"""

import fcntl
import hashlib
import json
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from renderers.encode import failure

MANIFEST = "manifest.json"
_ALWAYS_HASHED = 32_000_000  # bytes: larger pieces are hashed again only when the file has changed
Sink = Callable[[bytes | memoryview], object]
Meta = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """One thing on the shelf: its bytes, mapped from disk, and what its maker said about it."""

    content: memoryview
    meta: Meta


class Shelf:
    """One folder of pieces."""

    def __init__(self, folder: Path, facts: Meta) -> None:
        self.folder = folder
        self._facts = facts
        self._pieces: dict[str, Piece] = {}

    def fetch(self, name: str, make: Callable[[Sink], Meta]) -> Piece:
        """Return a piece; when it is not there or damaged, make it first, once on this machine.

        `make` writes the content into a sink and returns what is to be known about it.
        """
        if name not in self._pieces:
            found = self._load(name)
            if found is None:
                with self._alone(name):
                    # another process may have made it while this one waited
                    found = self._load(name) or self._made(name, make)
            self._pieces[name] = found
        return self._pieces[name]

    def names(self) -> list[str]:
        """List the pieces that are there."""
        return sorted(self._manifest()["pieces"])

    def broken(self) -> list[str]:
        """List the pieces that are not what the manifest says, whole files read."""
        pieces = self._manifest()["pieces"]
        return sorted(name for name, entry in pieces.items() if not self._intact(name, entry))

    def _load(self, name: str) -> Piece | None:
        entry = self._manifest()["pieces"].get(name)
        if entry is None or not self._trusted(name, entry):
            return None
        with (self.folder / name).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return Piece(memoryview(mapped), entry["meta"])

    def _trusted(self, name: str, entry: Meta) -> bool:
        path = self.folder / name
        try:
            stamp = _stamp(path)
        except OSError:
            return False
        if entry["bytes"] > _ALWAYS_HASHED and entry["stamp"] == stamp:
            return True
        return self._intact(name, entry)

    def _intact(self, name: str, entry: Meta) -> bool:
        try:
            with (self.folder / name).open("rb") as file:
                return bool(hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"])
        except OSError:
            return False

    def _made(self, name: str, make: Callable[[Sink], Meta]) -> Piece:
        target = self.folder / name
        for left in self.folder.glob(f".{name}.*.tmp"):  # of a process that died while making it
            left.unlink(missing_ok=True)
        work = self.folder / f".{name}.{os.getpid()}.tmp"
        digest = hashlib.sha256()
        try:
            with work.open("wb") as file:

                def sink(content: bytes | memoryview) -> None:
                    digest.update(content)
                    file.write(content)

                meta = make(sink)
                file.flush()
                os.fsync(file.fileno())
            work.replace(target)
            self._enter(name, digest.hexdigest(), meta)
        except OSError as error:
            raise failure(error, self.folder) from error
        finally:
            work.unlink(missing_ok=True)
        made = self._load(name)
        if made is None:
            raise failure(OSError("what was written cannot be read back"), self.folder)
        return made

    def _enter(self, name: str, sha256: str, meta: Meta) -> None:
        path = self.folder / name
        entry = {
            "sha256": sha256, "bytes": path.stat().st_size, "stamp": _stamp(path), "meta": meta,
        }  # fmt: skip
        with self._alone("manifest"):
            manifest = self._manifest()
            manifest["pieces"][name] = entry
            work = self.folder / f".{MANIFEST}.tmp"
            work.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            work.replace(self.folder / MANIFEST)

    def _manifest(self) -> Meta:
        try:
            found: Meta = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            found["pieces"].keys()
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {"facts": self._facts, "pieces": {}}
        return found

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold a lock that ends with the process at the latest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{name}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]
