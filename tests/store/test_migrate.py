"""Migrations: from nothing to now, after a copy, and never backwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from connector.errors import DatabaseBusyError, SchemaError, SettingError
from connector.store import Store, campaigns
from connector.store.migrate import copy_sqlite, current, is_current, migrate, refuse_newer
from connector.store.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    """No table, column, index or constraint differs between migrations and code."""
    with store.read() as tx:
        found = compare_metadata(MigrationContext.configure(tx), metadata)
    assert found == []


def test_migrating_again_changes_nothing(store: Store) -> None:
    """A database that is current is left alone, without a copy."""
    assert is_current(store)
    assert migrate(store) is None


def test_a_database_of_a_newer_version_is_refused_plainly(store: Store) -> None:
    """Old code does not touch what it does not know."""
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="9999, which this version of Cuereel does not know"):
        refuse_newer(store)
    with pytest.raises(SchemaError):
        migrate(store)


def test_a_copy_of_a_file_in_use_is_whole(sqlite_store: Store, tmp_path: Path) -> None:
    """The copy before a migration is taken while others may write."""
    assert sqlite_store.path
    target = tmp_path / "copy.db"
    copy_sqlite(sqlite_store.path, target)
    with sqlite3.connect(target) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    opened = Store(f"sqlite:///{target}")
    assert current(opened) == current(sqlite_store)
    opened.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    """All of a block is committed, or nothing of it."""
    table = metadata.tables["campaigns"]
    row = {"id": "1", "name": "a", "version": "1", "body": "", "installed_at": 0, "active": True}

    def write_and_fail() -> None:
        with store.write() as tx:
            tx.execute(table.insert().values(**row))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with store.read() as tx:
        assert tx.execute(table.select()).all() == []


def test_a_database_that_cannot_be_reached_is_a_temporary_error(tmp_path: Path) -> None:
    """Nobody listening, or a folder where the file should be, is said in one sentence."""
    (tmp_path / "folder.db").mkdir()
    for url in (
        f"sqlite:///{tmp_path / 'folder.db'}",
        "postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=1",
    ):
        opened = Store(url)
        with pytest.raises(DatabaseBusyError, match="nothing was written"), opened.read():
            pass
        opened.close()


def test_sqlite_in_memory_is_refused(tmp_path: Path) -> None:
    """Several processes share the database, so it must be a file."""
    with pytest.raises(SettingError, match="needs a file"):
        Store("sqlite://")


def test_a_database_without_our_tables_says_how_to_make_them(store: Store) -> None:
    """Whoever begins with another command than `up` is told what to do, not shown a trace."""
    with store.write() as tx:
        metadata.drop_all(tx)

    def look() -> None:
        with store.read() as tx:
            campaigns.active(tx)

    with pytest.raises(SchemaError, match="cuereel migrate"):
        look()
