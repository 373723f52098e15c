"""One authorised call, as the views see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from werkzeug.datastructures import MultiDict

from tests.fakes.hubspot.answers import Body, RefusalError, invalid
from tests.fakes.hubspot.kinds import NAMES
from tests.fakes.hubspot.memory import Origin
from tests.fakes.hubspot.portal import FakeHubSpot

# a body with its status; the version stands for a piece of the path
View = Callable[..., tuple[Any, int]]
Route = tuple[str, str, View]
MOST = 100
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """What is asked of which portal, in which version of the API."""

    fake: FakeHubSpot
    version: str
    query: MultiDict[str, str]
    raw: bytes
    form: dict[str, str]
    token: str = ""

    @property
    def origin(self) -> Origin:
        """Our own app, as events and histories tell it."""
        return Origin("INTEGRATION", str(self.fake.app_id))

    def json(self) -> Any:
        """Parse the body; RefusalError 400 where it is no JSON."""
        try:
            return json.loads(self.raw)
        except ValueError:
            raise invalid("Invalid input JSON: unable to read the body") from None

    def body(self) -> Body:
        """Parse the body as an object."""
        read = self.json()
        if not isinstance(read, dict):
            raise invalid("Invalid input JSON: an object was expected")
        return read

    def inputs(self, most: int = MOST) -> list[Body]:
        """Return the inputs of a batch; RefusalError 400 where they are too many."""
        inputs = self.body().get("inputs")
        if not isinstance(inputs, list):
            raise invalid("Some required fields were not set: [inputs]")
        if len(inputs) > most:
            raise invalid(f"The maximum number of inputs is {most}, but {len(inputs)} were sent")
        return inputs

    def number(self, name: str, usual: int, most: int) -> int:
        """Read a number of the query."""
        text = self.query.get(name, str(usual))
        if not text.isdigit() or not 0 < int(text) <= most:
            raise invalid(f"{name} must be a number from 1 to {most}")
        return int(text)

    def names(self, name: str) -> list[str]:
        """Read a list of the query, repeated or with commas."""
        return [part for text in self.query.getlist(name) for part in text.split(",") if part]


def kind_of(text: str) -> str:
    """Return the plural name of an object type; RefusalError 400 where it is unknown."""
    found = NAMES.get(text.lower())
    if found is None:
        raise invalid(f"Unable to infer object type from: {text}")
    return found


def page(rows: Collection[T], call: Call, most: int, usual: int = 100) -> tuple[list[T], Body]:
    """Cut a page out of all rows; return it with what the answer says of the next one."""
    size = call.number("limit", usual, most)
    after = call.query.get("after", "0")
    if not after.isdigit():
        raise invalid("after is not a paging token of ours")
    end = int(after) + size
    # a list may hold a hundred thousand, so the rest of it is never built
    cut = list(islice(rows, int(after), end))
    return cut, {"paging": {"next": {"after": str(end)}}} if end < len(rows) else {}


__all__ = ["Call", "RefusalError", "Route", "View", "kind_of", "page"]
