"""
Brings a database to this version of the code, after a copy of a SQLite file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from connector.errors import SchemaError
from connector.store import Store

KEPT_COPIES = 5


def migrate(store: Store) -> Path | None:
    """
    Run the migrations that are missing; return the copy that was made of a SQLite file before.

    Raises SchemaError where the database was made by a newer version of the code.
    """
    here, newest = current(store), _scripts().get_current_head()
    if here == newest:
        return None
    refuse_newer(store)
    copy = _copy(store, here) if here and store.path else None
    upgrade_to(store, "head")
    return copy


def upgrade_to(store: Store, version: str) -> None:
    """Run the migrations up to *version*, in one transaction."""
    # one process migrates at a time; the others find nothing left to do
    with store.write() as tx:
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(20482)")
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, version)


def refuse_newer(store: Store) -> None:
    """Raise SchemaError unless this code knows the database's version."""
    here = current(store)
    known = {script.revision for script in _scripts().walk_revisions()}
    if here is not None and here not in known:
        raise SchemaError(
            f"the database is at version {here}, which this version of Cuereel does not know; "
            "install the newer Cuereel again, or restore the copy that it made before migrating"
        )


def require_current(store: Store) -> None:
    """Raise SchemaError unless the database is just what this code works with."""
    refuse_newer(store)
    if not is_current(store):
        raise SchemaError("the database does not fit this version yet; run `cuereel migrate` first")


def is_current(store: Store) -> bool:
    """Tell whether nothing is left to migrate."""
    return current(store) == _scripts().get_current_head()


def current(store: Store) -> str | None:
    """Return the database's version, or None for an empty one."""
    with store.read() as tx:
        return _current(tx)


def _current(tx: Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


def _copy(store: Store, version: str | None) -> Path:
    path = store.path
    if path is None:
        raise SchemaError("only a SQLite file can be copied")
    target = path.with_name(f"{path.name}.before-{version}")
    copy_sqlite(path, target)
    copies = sorted(
        path.parent.glob(f"{path.name}.before-*"), key=lambda file: file.stat().st_mtime
    )
    for old in copies[:-KEPT_COPIES]:
        old.unlink()
    return target


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite file that others may be writing to, whole and consistent."""
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
