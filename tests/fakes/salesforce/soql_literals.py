"""Literals of a query as values of the field that they are compared with."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.schema import NUMBERS, Field
from tests.fakes.salesforce.soql_text import DAYS, Query, Token, invalid, marked
from tests.fakes.salesforce.values import native, normal

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def literal(query: Query, one: Field, token: Token) -> Any:
    """Return the value of a literal; INVALID_FIELD where the field is of another type."""
    word = token.text.upper()
    if token.kind == "name" and word == "NULL":
        return None
    wanted = _wanted(one)
    kind = "boolean" if word in ("TRUE", "FALSE") and token.kind == "name" else token.kind
    if token.kind == "name" and word.partition(":")[0] in DAYS:
        return _relative(one, word)
    if kind != wanted:
        raise _mistyped(query, one, token, wanted)
    if wanted == "string":
        return _string(query, one, token)
    if wanted == "boolean":
        return word == "TRUE"
    return float(token.text) if wanted == "number" else native(one, token.text)


def _wanted(one: Field) -> str:
    if one.type in NUMBERS:
        return "number"
    return one.type if one.type in ("boolean", "date", "datetime") else "string"


def _mistyped(query: Query, one: Field, token: Token, wanted: str) -> RefusalError:
    quotes = "should be" if wanted == "string" else "should not be"
    told = (f"value of filter criterion for field '{one.name}' must be of type "
            f"{'dateTime' if one.type == 'datetime' else one.type} and {quotes} enclosed in quotes")  # fmt: skip
    return invalid(query, token.at, told)


def _string(query: Query, one: Field, token: Token) -> str:
    text = re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), token.text[1:-1])
    if one.type in ("id", "reference") and not normal(text):
        told = f"invalid ID field: {text}"
        raise RefusalError(
            400, "INVALID_QUERY_FILTER_OPERATOR", marked(query.text, token.at) + told
        )
    return text


def _relative(one: Field, word: str) -> Any:
    name, _, count = word.partition(":")
    days = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}.get(name)
    if days is None:
        days = -int(count) if name == "LAST_N_DAYS" else int(count)
    day = datetime.now(UTC).date() + timedelta(days=days)
    return day if one.type == "date" else datetime(day.year, day.month, day.day, tzinfo=UTC)
