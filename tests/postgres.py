"""
One PostgreSQL database for all tests of a process: emptied before each, made anew once one bent it.

To make and drop a database waits for the disk for half a second; to empty one takes milliseconds.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, create_engine, make_url, text

from connector.store import Store
from connector.store.migrate import migrate
from connector.store.tables import metadata

# children before their parents
TABLES = [table.name for table in reversed(metadata.sorted_tables)]
DELETE = ";".join(f"DELETE FROM {name}" for name in TABLES)
TRUNCATE = f"TRUNCATE {', '.join(TABLES)}"
# rows that were deleted still take room, and each check of a foreign key walks over them
CROWDED = 500_000
LARGEST = (
    "SELECT max(pg_relation_size(oid)) FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# all columns, those of indexes too
SHAPE = (
    "SELECT count(*), md5(string_agg(concat_ws(' ', c.relname, a.attname, a.atttypid, a.attnotnull), "
    "',' ORDER BY c.relname, a.attnum)) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
)
VERSION = "SELECT version_num FROM alembic_version"


class Kept:
    """A migrated database on a server, kept from test to test."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._make()

    def emptied(self) -> str:
        """Return the URL of the database; it holds nothing, and nobody else has it open."""
        if not self._empty():
            self.drop()
            self._make()
        return self._url

    def drop(self) -> None:
        """Remove the database, whoever still has it open."""
        self._engine.dispose()
        _command(self._server, f"DROP DATABASE {self._name} WITH (FORCE)")

    def _make(self) -> None:
        self._name = f"cuereel_{uuid.uuid4().hex[:12]}"
        url = make_url(self._server).set(database=self._name)
        self._url = url.render_as_string(hide_password=False)
        _command(self._server, f"CREATE DATABASE {self._name}")
        # tests kill processes, never the server: what is committed need not reach the disk
        _command(self._server, f"ALTER DATABASE {self._name} SET synchronous_commit = off")
        with Store(self._url) as store:
            migrate(store)
        self._engine = create_engine(self._url, pool_size=1, max_overflow=0)
        with self._engine.connect() as connection:
            self._shape = _shape(connection)

    def _empty(self) -> bool:
        """Empty the database; tell whether it still is as it was made."""
        with self._engine.begin() as connection:
            connection.execute(text(OTHERS))
            if _shape(connection) != self._shape:
                return False
            crowded = connection.execute(text(LARGEST)).scalar_one() > CROWDED
            connection.exec_driver_sql(TRUNCATE if crowded else DELETE)
        return True


def _shape(connection: Connection) -> list[Any]:
    """Return what must not differ after a test: the columns and the version."""
    versioned = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
    version = connection.execute(text(VERSION)).all() if versioned else []
    return [connection.execute(text(SHAPE)).one(), *version]


def _command(server: str, sql: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()
