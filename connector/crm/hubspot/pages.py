"""
Answers that come in pages: what is on one, and where the next begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from connector.errors import CRMDownError
from connector.model import JSON

Row = Mapping[str, JSON]
Ask = Callable[[Mapping[str, str]], JSON]


def rows(body: JSON) -> list[Row]:
    """Return what an answer lists; CRMDownError where it lists nothing in the shape we know."""
    listed = body.get("results") if isinstance(body, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(row, Mapping) for row in listed):
        raise CRMDownError("HubSpot answered in a shape that we do not know; trying again is safe")
    return listed


def walk(ask: Ask) -> Iterator[Row]:
    """Yield what all pages list; *ask* is called with `after` where there is a next page."""
    seen: set[str] = set()
    after: str | None = ""
    while after is not None:
        if after in seen:
            raise CRMDownError("HubSpot's pages lead in a circle; trying again is safe")
        seen.add(after)
        body = ask({"after": after} if after else {})
        yield from rows(body)
        after = _after(body)


def _after(body: JSON) -> str | None:
    following = (body.get("paging") or {}).get("next") or {}
    return str(following["after"]) if following.get("after") else None
