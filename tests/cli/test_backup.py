"""Backup and restore: what cannot be made again comes back, on either database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from connector.cli import cuereel
from connector.cli.prepare import LOCAL, connect_local
from connector.errors import PermanentError, SchemaError
from connector.secrets import open_keyring
from connector.settings import load_settings
from connector.store import Store, connections, records
from connector.store.tables import metadata


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cuereel, list(arguments))


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    """An installation with a connection, a record and own mappings."""
    settings = load_settings()
    connect_local(sqlite_store, open_keyring(settings))
    with sqlite_store.write() as tx:
        records.put(tx, LOCAL, "contact", "c1", {"first_name": "Nguyễn 👋🏽", "score": 1.5})
    (settings.folder / "mappings" / "campaigns").mkdir(parents=True)
    (settings.folder / "mappings" / "campaigns" / "own.toml").write_text("title = 'mine'\n")
    return sqlite_store


def contents(store: Store) -> dict[str, list[object]]:
    with store.read() as tx:
        return {
            table.name: [
                tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
        }


def test_a_backup_restores_into_an_empty_home(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, keys and mappings are there again, and the sealed secrets still open."""
    file, secret = tmp_path / "b.tar.gz", _secret(filled)
    assert run("backup", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("CUEREEL_HOME", str(tmp_path / "other"))
    result = run("restore", str(file))
    assert result.exit_code == 0, result.output
    settings = load_settings()
    restored = Store(settings.database)
    assert contents(restored) == contents(filled)
    assert _secret(restored) == secret
    assert (settings.folder / "mappings" / "campaigns" / "own.toml").exists()
    restored.close()


@pytest.mark.services
def test_a_backup_of_sqlite_restores_into_postgresql(
    filled: Store, postgres_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a pilot grows into production by one command."""
    file = tmp_path / "b.tar.gz"
    assert run("backup", str(file)).exit_code == 0
    monkeypatch.setenv("CUEREEL_HOME", str(tmp_path / "other"))
    url = postgres_store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    result = run("restore", str(file))
    assert result.exit_code == 0, result.output
    assert contents(postgres_store) == contents(filled)


def test_a_restore_never_overwrites(filled: Store, tmp_path: Path) -> None:
    """Into a database that holds something nothing is restored."""
    file = tmp_path / "b.tar.gz"
    run("backup", str(file))
    before = contents(filled)
    result = run("restore", str(file))
    assert isinstance(result.exception, SchemaError)
    assert contents(filled) == before


def test_a_file_that_is_no_backup_is_said_to_be_none(filled: Store, tmp_path: Path) -> None:
    """Half a file, or another file, is refused in words."""
    file = tmp_path / "b.tar.gz"
    file.write_bytes(b"\x1f\x8b half")
    assert isinstance(run("restore", str(file)).exception, PermanentError)


def test_a_backup_does_not_replace_a_file_unasked(filled: Store, tmp_path: Path) -> None:
    """An older backup is only replaced with --force."""
    file = tmp_path / "b.tar.gz"
    file.write_text("precious")
    assert isinstance(run("backup", str(file)).exception, PermanentError)
    assert file.read_text() == "precious"
    assert run("backup", str(file), "--force").exit_code == 0


def _secret(store: Store) -> object:
    with store.read() as tx:
        row = connections.get(tx, open_keyring(load_settings()), LOCAL)
    assert row
    return row.secrets
