"""How the fake says no."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify

Body = dict[str, Any]


class RefusalError(Exception):
    """A refusal with its HTTP status and HubSpot's error body."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body = error(category, message, errors, **more)


def error(
    category: str, message: str, errors: Sequence[Mapping[str, Any]] = (), **more: Any
) -> Body:
    """Return the general error body; what is empty is left out, as HubSpot does."""
    body: Body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
    }
    if errors:
        body["errors"] = list(errors)
    return {**body, **more}


def invalid(message: str, errors: Sequence[Mapping[str, Any]] = (), **more: Any) -> RefusalError:
    """Return the refusal of a request that is wrong."""
    return RefusalError(400, "VALIDATION_ERROR", message, errors=errors, **more)


def absent(what: str) -> RefusalError:
    """Return the refusal of something that is not there."""
    return RefusalError(404, "OBJECT_NOT_FOUND", f"{what} does not exist")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON, or nothing with 204."""
    made = Response(status=204) if status == 204 else jsonify(body)
    made.status_code = status
    made.headers.update(headers or {})
    return made
