"""
What we remember; the only code that knows the database.

`Store.write()` opens a transaction that commits at the end of the block and takes SQLite's write
lock at its start; `Store.read()` opens one that only reads. Each noun's module takes the open
transaction as its first argument, so that one commit can span several nouns.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from connector.errors import DatabaseBusyError, SchemaError, SettingError

BUSY_SECONDS = 10.0
UNPREPARED = (
    "the database is not prepared yet; run `cuereel migrate`, or `cuereel up`, which does it"
)
PASSING = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY")
)
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)


class Store:
    """One database, opened by one process; make another after a fork."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = url
        self._busy_seconds = busy_seconds
        self._writing = threading.Lock()
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = (_sqlite if self.sqlite else _postgresql)(url, busy_seconds)

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None on a server."""
        name = make_url(self.url).database
        return Path(name) if self.sqlite and name else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction; it is committed at the end of the block, or nothing of it is."""
        with self._turn(), self._guarded(), self.engine.connect() as connection:
            if self.sqlite:
                # a deferred transaction that upgrades fails at once, whatever the timeout
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            with _committed(connection):
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database and changes nothing."""
        with self._guarded(), self.engine.connect() as connection:
            if self.sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process write to SQLite one after the other."""
        # SQLite makes those who wait sleep up to a tenth of a second; a lock wakes the next at once
        if not self.sqlite:
            yield
        elif self._writing.acquire(timeout=self._busy_seconds):
            try:
                yield
            finally:
                self._writing.release()
        else:
            raise DatabaseBusyError(
                "the database is being written to; nothing was written, trying again is safe",
                after=2,
            )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if _lacks_tables(error):
                raise SchemaError(UNPREPARED) from None
            if isinstance(error, OperationalError) or error.connection_invalidated:
                raise _busy(error) from error
            raise


@contextmanager
def _committed(connection: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _lacks_tables(error: DBAPIError) -> bool:
    undefined = getattr(error.orig, "sqlstate", "") == "42P01"
    return undefined or str(error.orig).startswith("no such table")


def _busy(error: DBAPIError) -> DatabaseBusyError:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name and not name.startswith(PASSING):
        raise error
    text = str(error.orig).splitlines()[0] if error.orig else str(error)
    return DatabaseBusyError(
        f"the database did not answer ({text}); nothing was written, trying again is safe", after=2
    )


def _sqlite(url: str, busy_seconds: float) -> Engine:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise SettingError("DATABASE_URL: SQLite needs a file, for example sqlite:///cuereel.db")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # the driver must not open transactions by itself: `write` says BEGIN IMMEDIATE
    engine = create_engine(
        url,
        connect_args={"timeout": busy_seconds, "isolation_level": None, "check_same_thread": False},
        poolclass=QueuePool,
        json_serializer=_json,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    cursor = raw.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _postgresql(url: str, busy_seconds: float) -> Engine:
    try:
        return create_engine(
            url,
            connect_args={"options": f"-c lock_timeout={int(busy_seconds * 1000)}"},
            pool_pre_ping=True,
            poolclass=QueuePool,
            json_serializer=_json,
        )
    except ModuleNotFoundError as error:
        raise SettingError(
            "DATABASE_URL: PostgreSQL needs its driver, `pip install cuereel[postgres]`"
        ) from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
