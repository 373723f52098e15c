"""How contacts are looked for on SQLite, as it tells itself."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import event

from connector.secrets import Keyring
from connector.signing import new_secret
from connector.store import Store, contacts
from tests.fakes.local import connect_local


def test_a_search_reads_no_whole_table(sqlite_store: Store, keyring: Keyring) -> None:
    """Each look into records, videos and words goes by an index."""
    connect_local(sqlite_store, keyring, "local", [new_secret()])
    said: list[tuple[str, Any]] = []

    def listen(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    with sqlite_store.read() as tx:
        event.listen(tx, "before_cursor_execute", listen)
        for text in ("", "ana", "ana prieto"):
            contacts.find(tx, text)
        event.remove(tx, "before_cursor_execute", listen)
        plans = [
            str(step.detail)
            for statement, parameters in said
            for step in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    assert len(plans) >= 6
    assert [plan for plan in plans if re.match("SCAN (records|videos|contact_words)", plan)] == []
