"""One request to an org as it came, and as the views see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import MultiDict

from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.values import Values

if TYPE_CHECKING:
    from tests.fakes.salesforce.org import FakeOrg

# a body with its status, or a whole answer; the version stands for a piece of the path
View = Callable[..., Any]
Route = tuple[str, str, View]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """What is asked of which org, in which version of the API."""

    org: FakeOrg
    version: str
    query: MultiDict[str, str]
    raw: bytes = b""
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Parse the body; RefusalError 400 where it is no JSON."""
        try:
            return json.loads(self.raw)
        except ValueError:
            raise RefusalError(
                400, "JSON_PARSER_ERROR", "Unexpected character in the body"
            ) from None

    def body(self) -> Values:
        """Parse the body as an object."""
        read = self.json()
        if not isinstance(read, dict):
            raise RefusalError(400, "JSON_PARSER_ERROR", "An object was expected")
        return read
