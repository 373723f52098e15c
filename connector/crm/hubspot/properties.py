"""
What properties a portal has, and what their values mean: HubSpot sends every value as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import available_timezones

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.kept import kept
from connector.crm.hubspot.pages import rows
from connector.errors import PayloadError
from connector.model import JSON
from connector.strict_json import parse_json

# our kinds of record, by the names that HubSpot's addresses take; an account is a company there
OBJECTS = {
    "contact": "contacts",
    "company": "companies",
    "account": "companies",
    "deal": "deals",
    "ticket": "tickets",
    "cart": "carts",
    "order": "orders",
    "line_item": "line_items",
}
# beyond this a number is a mistake, and writing 1e999 out would take all memory
LARGEST_EXPONENT = 20
LONGEST_NUMBER = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{9,14}", re.ASCII)
# rows, as [{"label": …}]; a text such as "[VIP] Ana" is none
_ROWS = re.compile(r"\[\s*(\{.*\}\s*)?\]", re.DOTALL)
_SLASH = "_slash_"


def definitions(gateway: Gateway, object_type: str) -> Mapping[str, str]:
    """Return the type of each property that the portal has for *object_type*, such as `contacts`."""
    return kept(gateway, f"properties of {object_type}", lambda: _ask(gateway, object_type))


def convert(value: JSON, type_: str) -> JSON:
    """Return a value by the type of its property; None where it is empty or no such value."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    return _READERS.get(type_, _text)(text)


def _ask(gateway: Gateway, object_type: str) -> Mapping[str, str]:
    body = gateway.ask(gateway.client.crm.properties.core_api.get_all, object_type)
    return {
        str(one["name"]): str(one.get("type", "string"))
        for one in rows(body)
        if not one.get("archived")
    }


def _number(text: str) -> JSON:
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if number.adjusted() > LARGEST_EXPONENT:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _bool(text: str) -> JSON:
    return {"true": True, "false": False}.get(text.casefold())


def _date(text: str) -> JSON:
    at = _moment(text)
    return None if at is None else at.date().isoformat()


def _datetime(text: str) -> JSON:
    at = _moment(text)
    return None if at is None else at.isoformat()


def _moment(text: str) -> datetime | None:
    try:
        if _MILLISECONDS.fullmatch(text):
            return EPOCH + timedelta(milliseconds=int(text))
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _enumeration(text: str) -> JSON:
    return _zones().get(text.casefold(), text) if _SLASH in text else text


def _text(text: str) -> JSON:
    if not _ROWS.fullmatch(text):
        return text
    try:
        return parse_json(text.encode())
    except (PayloadError, UnicodeEncodeError):
        return None


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    """Return the time zones by the way in which HubSpot writes them, `europe_slash_madrid`."""
    return {name.replace("/", _SLASH).casefold(): name for name in available_timezones()}


_READERS: Mapping[str, Callable[[str], JSON]] = {
    "number": _number,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _enumeration,
    "string": _text,
}
