"""
`cuereel backup` and `cuereel restore`: database, keys, mappings, own templates and pictures.

Finished videos are not in it: they are rendered again on demand. The archive holds the keys, so it
is as secret as they are, and it is written readable by its owner only.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from connector.errors import PermanentError, SchemaError
from connector.secrets import open_keyring
from connector.settings import Settings, load_settings
from connector.store import Store
from connector.store.archive import dump, load
from connector.store.migrate import current, migrate, refuse_newer

FOLDERS = ("mappings", "templates", "assets")
MANIFEST, KEY = "manifest.json", "key"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write what cannot be made again to FILE, while all goes on."""
    if file.exists() and not force:
        raise PermanentError(f"{file} is already there; give another name, or --force")
    settings = load_settings()
    with Store(settings.database) as store:
        refuse_newer(store)
        rows = _write(settings, store, file)
    click.echo(
        f"{file}: {rows} rows, {file.stat().st_size / 1e6:.1f} MB. Keep it secret: it holds keys."
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def restore(file: Path) -> None:
    """Bring back what `backup` wrote, into an empty home."""
    settings = load_settings()
    try:
        with Store(settings.database) as store, tarfile.open(file) as archive:
            manifest = json.load(_member(archive, MANIFEST))
            _restore_files(archive, settings.folder)
            counts = load(store, manifest["schema"], _tables(archive, manifest["tables"]))
            migrate(store)
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise PermanentError(f"{file} is no backup of Cuereel, or is damaged: {error}") from error
    open_keyring(settings)
    click.echo(f"restored {sum(counts.values())} rows from {manifest['made_at']}")


def _write(settings: Settings, store: Store, file: Path) -> int:
    partial = file.with_name(file.name + ".tmp")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
            counts = _write_tables(archive, store)
            _write_files(archive, settings.folder)
            manifest = {
                "schema": current(store),
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "tables": counts,
            }
            _add(archive, MANIFEST, json.dumps(manifest).encode())
            archive.close()
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return sum(counts.values())


def _write_tables(archive: tarfile.TarFile, store: Store) -> dict[str, int]:
    counts = {}
    # one transaction, so that all tables show the same moment
    with store.read() as tx:
        for name, lines in dump(tx):
            with tempfile.TemporaryFile() as spool:
                counts[name] = _spool(spool, lines)
                info = tarfile.TarInfo(f"tables/{name}.jsonl")
                info.size = spool.tell()
                spool.seek(0)
                archive.addfile(info, spool)
    return counts


def _spool(spool: IO[bytes], lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        spool.write(line.encode() + b"\n")
        count += 1
    return count


def _write_files(archive: tarfile.TarFile, home: Path) -> None:
    if (home / KEY).exists():
        archive.add(home / KEY, KEY)
    for folder in FOLDERS:
        if (home / folder).is_dir():
            archive.add(home / folder, folder)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def _restore_files(archive: tarfile.TarFile, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    taken = (home / KEY).exists() and KEY in archive.getnames()
    if taken and (home / KEY).read_bytes() != _member(archive, KEY).read():
        raise SchemaError(f"{home} already has a key of its own; restore into an empty home")
    for member in archive.getmembers():
        if member.name == KEY or member.name.split("/")[0] in FOLDERS:
            # the filter refuses absolute paths, links out of the folder and devices
            archive.extract(member, home, filter="data")
    if (home / KEY).exists():
        (home / KEY).chmod(0o600)


def _tables(
    archive: tarfile.TarFile, counts: dict[str, int]
) -> Iterator[tuple[str, Iterable[str]]]:
    for name in counts:
        yield name, (line.decode() for line in _member(archive, f"tables/{name}.jsonl"))


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file
