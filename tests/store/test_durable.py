"""What is committed stays, even if the machine stops in the next moment."""

from __future__ import annotations

from pathlib import Path

import pytest

import connector.store
from connector.store import Store
from tests.quick import DURABLE

FULL = 2


def test_sqlite_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit returns when the disk has it; only tests are spared that."""
    monkeypatch.setattr(connector.store, "PRAGMAS", DURABLE)
    with Store(f"sqlite:///{tmp_path / 'kept.db'}") as store, store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar_one() == FULL
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
