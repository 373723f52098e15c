"""How an org refuses a whole request, and how it refuses one record of it."""

from __future__ import annotations

from typing import Any


class RefusalError(Exception):
    """A whole request is refused: status and Salesforce's list of errors, or another body."""

    def __init__(
        self, status: int, code: str, message: str, *, body: Any = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self.body = body if body is not None else [{"message": message, "errorCode": code, **more}]


class RecordError(Exception):
    """One record is refused."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, list(fields)
