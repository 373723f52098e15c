"""
What was put into a cart, a deal or an order: its line items, as rows by our words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from connector.crm.hubspot.associations import associated
from connector.crm.hubspot.fetched import Fetched, allowed
from connector.crm.hubspot.gateway import Gateway
from connector.decide.dictionary import Dictionary
from connector.model import JSON

# what a dictionary writes for "the associated line items", and HubSpot's name of their type
LINE_ITEMS = "line_items"
LINE_ITEM = "line_item"
PICTURE = "image"
# several addresses in one property, however the shop divided them
_NEXT_ADDRESS = re.compile(r"[;,\s]+(?=https?://)")

Rows = Sequence[Mapping[str, JSON]]


def line_item_fields(dictionary: Dictionary) -> dict[str, str]:
    """Return the words of a row, without `line_item.`, and the property of each."""
    return {
        word.removeprefix(f"{LINE_ITEM}."): field
        for word, field in dictionary.read.items()
        if word.startswith(f"{LINE_ITEM}.")
    }


def goods(
    gateway: Gateway,
    fetched: Fetched,
    dictionary: Dictionary,
    object_type: str,
    ids: Iterable[str],
) -> dict[str, Rows]:
    """Return the rows of each record; none where the portal does not let us read line items."""
    owners = list(ids)
    links = allowed(LINE_ITEMS, lambda: associated(gateway, object_type, LINE_ITEMS, owners)) or {}
    items = [item for of_one in links.values() for item in of_one]
    allowed(LINE_ITEMS, lambda: fetched.fetch(LINE_ITEMS, items))
    fields, here = line_item_fields(dictionary), fetched.all(LINE_ITEMS)
    return {
        owner: [_row(fetched, item, fields) for item in of_one if item in here]
        for owner, of_one in links.items()
    }


def _row(fetched: Fetched, item: str, fields: Mapping[str, str]) -> dict[str, JSON]:
    values = {word: fetched.value(LINE_ITEMS, item, field) for word, field in fields.items()}
    if isinstance(values.get(PICTURE), str):
        values[PICTURE] = _NEXT_ADDRESS.split(values[PICTURE])[0]
    return {word: value for word, value in values.items() if value is not None}
