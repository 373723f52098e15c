"""
SOQL as text: names that are names, values that stay values, ids by the hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from connector.crm.salesforce.ids import is_id

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79}){0,4}")
# the address of a call may be 16 KB long (salesforce.md §4.2); an id takes 22 of that, encoded
IDS_AT_ONCE = 500
ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": ""})


def is_name(text: str) -> bool:
    """Tell whether *text* can be the name of a field, with up to four relations before it."""
    return NAME.fullmatch(text) is not None


def quoted(value: str) -> str:
    """Return *value* as a literal."""
    return f"'{value.translate(ESCAPED)}'"


def moment(at: datetime) -> str:
    """Return a time as a literal: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def any_of(field: str, ids: Sequence[str]) -> str:
    """Return the condition that *field* is one of *ids*; what is no id is left out."""
    listed = ",".join(f"'{one}'" for one in ids if is_id(one))
    return f"{field} IN ({listed})"


def select(fields: Iterable[str], source: str, where: str = "", rest: str = "") -> str:
    """Return a query; ValueError where a field or *source* is no name. Subqueries go in brackets."""
    wanted = list(dict.fromkeys(fields))
    for name in [*wanted, source]:
        if not is_name(name) and not (name.startswith("(SELECT ") and name.endswith(")")):
            raise ValueError(f"{name[:80]!r} cannot stand in a query")
    return " ".join(
        filter(
            None, ["SELECT", ", ".join(wanted), "FROM", source, where and f"WHERE {where}", rest]
        )
    )


def chunks(ids: Iterable[str], size: int = IDS_AT_ONCE) -> Iterator[list[str]]:
    """Cut the ids that are ids, each once, into lists that fit one query."""
    known = list(dict.fromkeys(one for one in ids if is_id(one)))
    for start in range(0, len(known), size):
        yield known[start : start + size]
