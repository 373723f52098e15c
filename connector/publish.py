"""
Where finished files live: a folder on this machine, or an object store.

A file appears under its key whole or not at all. Keys are ours (`<connection>/<video>/<render>/…`)
and are no public addresses: viewers get a file only through their watch token.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from connector.errors import PermanentError, SettingError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.settings import Settings

KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
INCOMING = ".incoming"
LEFTOVER_SECONDS = 3600.0
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TYPES = {
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".vtt": "text/vtt; charset=utf-8",
}


@dataclass(frozen=True)
class Stored:
    """What is known of a stored file without reading it."""

    size: int
    etag: str
    modified: float


class Files(Protocol):
    """A place for finished files."""

    def put(self, key: str, path: Path) -> None:
        """Copy a file in; it is there whole afterwards, or not at all."""

    def take_over(self, made: Mapping[str, Path]) -> None:
        """Move finished files in, by key; on return all are durable, and gone from where they were."""

    def stat(self, key: str) -> Stored | None:
        """Return a file's size, tag and time, or None where there is none."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return *length* bytes of a file from *start*."""

    def path(self, key: str) -> Path | None:
        """Return the file on this machine, or None where it is elsewhere."""

    def exists(self, key: str) -> bool:
        """Tell whether there is a file under *key*."""

    def delete(self, prefix: str) -> int:
        """Delete the file *prefix* and everything below `prefix/`; return how many files."""


def open_files(settings: Settings) -> Files:
    """Open the place that `PUBLISH_URL` names; SettingError where that is impossible."""
    parts = urlsplit(settings.files)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise SettingError("PUBLISH_URL: a file address has three slashes, file:///srv/files")
        return FolderFiles(Path(unquote(parts.path)))
    if not parts.scheme:
        raise SettingError("PUBLISH_URL: must begin with file:/// or s3://")
    return ObjectFiles(settings.files)


def media_type(key: str) -> str:
    """Return the Content-Type of a file by its name."""
    return TYPES.get(Path(key).suffix, "application/octet-stream")


class FolderFiles:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._clear_leftovers()

    def put(self, key: str, path: Path) -> None:
        """Copy a file in; it is there whole afterwards, or not at all."""
        target = self._place(key)
        temporary = self._root / INCOMING / f"{secrets.token_hex(8)}.tmp"
        with _room(key):
            try:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(path, temporary)
                temporary.replace(target)
                _sync(target.parent)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def take_over(self, made: Mapping[str, Path]) -> None:
        """Move finished files in, by key; on return all are durable, and gone from where they were."""
        folders = {self._place(key).parent for key in made}
        with _room(", ".join(made)):
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            for key, path in made.items():
                self._take(key, path)
            for folder in folders:
                _sync(folder)

    def stat(self, key: str) -> Stored | None:
        """Return a file's size, tag and time, or None where there is none."""
        try:
            found = self._place(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}", found.st_mtime)

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return *length* bytes of a file from *start*."""
        with self._place(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def path(self, key: str) -> Path | None:
        """Return the file on this machine, or None where it is elsewhere."""
        place = self._place(key)
        return place if place.is_file() else None

    def exists(self, key: str) -> bool:
        """Tell whether there is a file under *key*."""
        return self._place(key).is_file()

    def delete(self, prefix: str) -> int:
        """Delete the file *prefix* and everything below `prefix/`; return how many files."""
        place = self._place(prefix)
        if place.is_file():
            place.unlink()
            return 1
        count = sum(1 for found in place.rglob("*") if found.is_file())
        shutil.rmtree(place, ignore_errors=True)
        if place.exists():
            raise TemporaryError(f"not all files below {prefix} could be deleted", reason="files")
        return count

    def _take(self, key: str, path: Path) -> None:
        try:
            _sync(path)
            path.replace(self._place(key))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self.put(key, path)
            path.unlink()

    def _place(self, key: str) -> Path:
        return self._root / _checked(key)

    def _clear_leftovers(self) -> None:
        # a process that was killed while copying leaves its temporary file behind
        for found in (self._root / INCOMING).glob("*.tmp"):
            with suppress(OSError):
                if found.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
                    found.unlink()


class ObjectFiles:
    """Files in an object store such as S3, through the `cloud` extra."""

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ModuleNotFoundError as error:
            raise SettingError(
                "PUBLISH_URL: object stores need an extra, `pip install cuereel[cloud]`"
            ) from error
        self._client: Any = obstore
        try:
            self._store: Any = from_url(url)
        except (ValueError, obstore.exceptions.BaseError) as error:
            raise SettingError(f"PUBLISH_URL: {_first_line(error)}") from error

    def put(self, key: str, path: Path) -> None:
        """Copy a file in; it is there whole afterwards, or not at all."""
        with self._reached(), path.open("rb") as file:
            self._client.put(
                self._store, _checked(key), file, attributes={"Content-Type": media_type(key)}
            )

    def take_over(self, made: Mapping[str, Path]) -> None:
        """Move finished files in, by key; on return all are durable, and gone from where they were."""
        for key, path in made.items():
            self.put(key, path)
            path.unlink()

    def stat(self, key: str) -> Stored | None:
        """Return a file's size, tag and time, or None where there is none."""
        try:
            with self._reached():
                found = self._client.head(self._store, _checked(key))
        except FileNotFoundError:
            return None
        tag = str(found.get("e_tag") or f"{found['size']:x}").strip('"')
        return Stored(int(found["size"]), tag, found["last_modified"].timestamp())

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return *length* bytes of a file from *start*."""
        with self._reached():
            part = self._client.get_range(self._store, _checked(key), start=start, length=length)
        return bytes(part)

    def path(self, key: str) -> Path | None:
        """Return the file on this machine, or None where it is elsewhere."""
        _checked(key)
        return None

    def exists(self, key: str) -> bool:
        """Tell whether there is a file under *key*."""
        return self.stat(key) is not None

    def delete(self, prefix: str) -> int:
        """Delete the file *prefix* and everything below `prefix/`; return how many files."""
        with self._reached():
            pages = self._client.list(self._store, prefix=_checked(prefix) + "/")
            names = [found["path"] for page in pages for found in page]
            if self.exists(prefix):
                names.append(prefix)
            if names:
                self._client.delete(self._store, names)
        return len(names)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        refused = (
            self._client.exceptions.UnauthenticatedError,
            self._client.exceptions.PermissionDeniedError,
        )
        try:
            yield
        except refused as error:
            raise PermanentError(
                f"the object store refuses us: {_first_line(error)}", reason="files_refused"
            ) from error
        except self._client.exceptions.BaseError as error:
            raise TemporaryError(
                f"the object store does not answer: {_first_line(error)}", reason="files_away"
            ) from error


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise PermanentError(f"{key[:100]!r} cannot be the key of a file", reason="file_key")
    return key


@contextmanager
def _room(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise TemporaryError(
                f"no room on the disk for {key}; free some and it goes on by itself",
                reason="disk_full",
                after=60,
            ) from error
        raise


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    _sync(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
