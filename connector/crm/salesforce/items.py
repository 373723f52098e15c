"""
What stands in a row of a query: single values along a path, and the rows of goods beneath it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.kept import described, readable
from connector.crm.salesforce.soql import is_name, select
from connector.decide.dictionary import Dictionary
from connector.errors import PayloadError
from connector.model import JSON
from connector.strict_json import parse_json

ITEMS, ITEM = "items", "item."
# a video shows a handful, and the sum stands on the record itself
MOST_ITEMS = 100
# beyond this a number is a mistake, and writing it out would take all memory
LARGEST = 1e20
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
# rows, as [{"label": …}]; a text such as "[VIP] Ana" is none
_ROWS = re.compile(r"\[\s*(\{.*\}\s*)?\]", re.DOTALL)

Askable = Callable[[str, Collection[str]], list[str]]


def askable(gateway: Gateway, hidden: Collection[str]) -> Askable:
    """Return what tells which paths of an object a query may name; *hidden* fields it must not."""

    taboo = frozenset(hidden)

    def of(name: str, paths: Collection[str]) -> list[str]:
        shown = [path for path in paths if is_name(path) and not taboo & set(path.split("."))]
        return readable(gateway, name, shown)

    return of


def at(row: JSON, path: str) -> JSON:
    """Return what a row holds at the end of a path such as `Account.Owner.Name`; None where nothing."""
    for part in path.split("."):
        row = row.get(part) if isinstance(row, Mapping) else None
    return row


def value(found: JSON) -> JSON:
    """Return a value as campaigns understand it; None where it is empty or no single value."""
    if isinstance(found, bool):
        return found
    if isinstance(found, int | float):
        return _number(found)
    return _text(found) if isinstance(found, str) else None


def values(row: Row, paths: Mapping[str, str]) -> dict[str, JSON]:
    """Return word = value along the paths; what is empty is left out."""
    found = {word: value(at(row, path)) for word, path in paths.items()}
    return {word: one for word, one in found.items() if one is not None}


def moment(found: JSON) -> datetime | None:
    """Return a date and time of Salesforce's, or a date at midnight, in UTC; None where it is none."""
    try:
        parsed = datetime.fromisoformat(str(found or ""))
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def beneath(row: Row, relation: str) -> Sequence[Row]:
    """Return the rows that a subquery brought."""
    told = row.get(relation)
    records = told.get("records") if isinstance(told, Mapping) else None
    return [one for one in records or () if isinstance(one, Mapping)]


def subquery(
    gateway: Gateway, may: Askable, dictionary: Dictionary, name: str, relation: str
) -> str:
    """Return the query for the goods beneath a record; empty where the org shows none."""
    child = described(gateway, name).children.get(relation, "")
    paths = may(child, _paths(dictionary)) if child else []
    if not paths or not is_name(relation):
        return ""
    return f"({select(paths, relation, rest=f'ORDER BY CreatedDate, Id LIMIT {MOST_ITEMS}')})"


def items(row: Row, relation: str, dictionary: Dictionary) -> list[dict[str, JSON]]:
    """Return the goods beneath a record by our words; of several names the first that is filled."""
    return [found for one in beneath(row, relation) if (found := _item(one, dictionary))]


def _item(row: Row, dictionary: Dictionary) -> dict[str, JSON]:
    found = {word: _first(row, names) for word, names in _words(dictionary).items()}
    return {word: one for word, one in found.items() if one is not None}


def _first(row: Row, paths: Sequence[str]) -> JSON:
    found = (value(at(row, path)) for path in paths)
    return next((one for one in found if one is not None), None)


def _words(dictionary: Dictionary) -> dict[str, list[str]]:
    return {
        word.removeprefix(ITEM): [path.strip() for path in field.split("|")]
        for word, field in dictionary.read.items()
        if word.startswith(ITEM)
    }


def _paths(dictionary: Dictionary) -> list[str]:
    return list(dict.fromkeys(path for paths in _words(dictionary).values() for path in paths))


def _number(found: float) -> JSON:
    # what is no number at all is not smaller either
    if not abs(found) <= LARGEST:
        return None
    # Salesforce writes every amount with a point
    return int(found) if found == int(found) else found


def _text(found: str) -> JSON:
    # no database holds NUL, and no frame of a video half a character
    text = found.replace("\0", "").encode(errors="ignore").decode().strip()
    if _MOMENT.fullmatch(text):
        when = moment(text)
        return when.isoformat() if when else None
    if not _ROWS.fullmatch(text):
        return text or None
    try:
        return parse_json(text.encode())
    except PayloadError:
        return None
