"""
What Salesforce's errors mean for us: wait, ask an admin, or give up on this change.

They come in three forms: a list with `errorCode`, an object with `error` where tokens are asked for,
and `statusCode` for single records; a bulk job writes `CODE:message:fields`. The code decides, never
the status: 403 is a missing permission or a limit. Of the messages only names of fields are used,
because they quote values. Source: salesforce.md §0 (10), §4.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.errors import (
    ConnectorError,
    CredentialError,
    CRMBusyError,
    CRMDownError,
    NotFoundError,
    PermanentError,
    TemporaryError,
)
from connector.model import JSON, WriteResult, Written

DAY_SECONDS, CROWDED_SECONDS, LOCKED_SECONDS = 900.0, 5.0, 3.0
MISSING_SECONDS = 600.0
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z0-9_]{1,80})*")
NO_COLUMN = re.compile(r"No such column '([A-Za-z0-9_.]{1,120})'")
NAMED = re.compile(r"[Ff]ield name not found\s*:\s*([A-Za-z][A-Za-z0-9_.]{0,119})")
# these wait for something about one record
ALONE = frozenset({"locked", "not_there_yet", "activity_gone", "unclear_answer"})
UNRELATED = "Foreign key external ID"
MOST_NAMED = 3

SESSION = frozenset({"INVALID_SESSION_ID", "INVALID_AUTH_HEADER"})
LIMIT = "REQUEST_LIMIT_EXCEEDED"
AGAIN = frozenset(
    {"SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION", "INTERNAL_ERROR",
     "PROCESSING_HALTED"}
)  # fmt: skip
LOCKED = "UNABLE_TO_LOCK_ROW"
GONE = frozenset(
    {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "MALFORMED_ID"}
)  # fmt: skip
NO_FIELD = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALIDBATCH"})
NOT_ALLOWED = frozenset(
    {"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY_FLS"}
)  # fmt: skip
OLD_VERSION = frozenset({"UNSUPPORTED_API_VERSION"})


@dataclass(frozen=True)
class Said:
    """One error as Salesforce told it, whichever form it came in."""

    code: str
    message: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()


class RefusedError(PermanentError):
    """Salesforce will not do this; *code* and *fields* say why, *reason* is the code in lower case."""

    reason = "refused"

    def __init__(self, status: int, said: Said) -> None:
        self.status = status
        self.code = said.code
        self.fields = said.fields
        super().__init__(_sentence(said), reason=(said.code or "refused").lower())


@dataclass(frozen=True)
class Complaint:
    """Why one record was not written; *missing* are fields that the org has not, *gone* the record."""

    reason: str
    sentence: str
    gone: bool = False
    missing: frozenset[str] = frozenset()
    waits: float | None = None


# what became of one record; nothing to say where it was written
Word = Complaint | TemporaryError | None


def told(content: JSON) -> Said:
    """Return the first error of an answer, in whatever form; an empty code where it is no error."""
    if isinstance(content, Sequence) and not isinstance(content, str | bytes) and content:
        return told(content[0])
    if not isinstance(content, Mapping):
        return Said("")
    code = content.get("errorCode") or content.get("statusCode") or content.get("error")
    message = content.get("message") or content.get("error_description") or ""
    return said(str(code or ""), str(message), content.get("fields"))


def said(code: str, message: str = "", fields: JSON = ()) -> Said:
    """Return an error with a code that is one, and with the fields that it is about."""
    known = code if CODE.fullmatch(code) else ""
    named = [str(one) for one in fields if FIELD.fullmatch(str(one))] if _listed(fields) else []
    named += [found.rpartition(".")[2] for found in NO_COLUMN.findall(message)]
    named += NAMED.findall(message)
    return Said(known, message, tuple(dict.fromkeys(named)))


def of_bulk(cell: str) -> Said:
    """Read the `sf__Error` of a bulk job's row: `CODE:message:FIELD, FIELD --`."""
    code, _, rest = cell.partition(":")
    message, _, fields = rest.rpartition(":")
    named = [one.strip() for one in fields.replace("--", "").split(",") if one.strip()]
    return said(code.strip(), message or rest, named)


def refusal(status: int, content: JSON) -> ConnectorError:
    """Return the error to raise for an answer that is none of the good ones."""
    error = told(content)
    if error.code in SESSION or (status == 401 and not error.code):
        return CredentialError(
            "Salesforce no longer accepts our session; connect the org again with "
            "`cuereel crm connect salesforce`"
        )
    passing = _passing(error)
    if passing is not None:
        return passing
    return _lasting(status, error)


def word_of(error: Said) -> Word:
    """Say what the error of one record means for it."""
    passing = _passing(error)
    if passing is not None:
        return passing
    if UNRELATED in error.message:
        # a view may be written before the record of its video is there
        return CRMDownError(
            "the record that this belongs to is not there yet", reason="not_there_yet"
        )
    if error.code in GONE:
        return Complaint("contact_gone", "The record no longer exists in Salesforce.", gone=True)
    if error.code.upper() in NO_FIELD and error.fields:
        return Complaint("field_missing", _sentence(error), missing=frozenset(error.fields))
    waits = MISSING_SECONDS if error.code in NOT_ALLOWED else None
    return Complaint((error.code or "refused").lower(), _sentence(error), waits=waits)


def result(change_id: str, word: Word) -> WriteResult:
    """Say in our own terms what became of a change."""
    if word is None:
        return WriteResult(change_id, Written.DONE)
    if isinstance(word, TemporaryError):
        alone = word.reason in ALONE
        return WriteResult(
            change_id, Written.RETRY, word.reason, word.sentence, word.after, alone=alone
        )
    if word.gone:
        return WriteResult(change_id, Written.GONE, word.reason, word.sentence)
    if word.waits is not None:
        return WriteResult(
            change_id, Written.RETRY, word.reason, word.sentence, word.waits, alone=True
        )
    return WriteResult(change_id, Written.REFUSED, word.reason, word.sentence)


def _limited(error: Said) -> CRMBusyError:
    if "concurrent" in error.message.lower():
        return CRMBusyError(
            "the org has as many long calls open as it may; they go on by themselves",
            after=CROWDED_SECONDS,
        )
    return CRMBusyError(
        "the org has used up its calls of 24 hours; writing goes on as soon as some are free "
        "(Salesforce: Setup > Company Information)",
        after=DAY_SECONDS,
    )


def _passing(error: Said) -> TemporaryError | None:
    """Return the error that waiting mends, or None."""
    if error.code == LIMIT:
        return _limited(error)
    if error.code == LOCKED:
        return CRMBusyError(
            "somebody else writes to this record or its account just now",
            reason="locked",
            after=LOCKED_SECONDS,
        )
    return _down(error) if error.code in AGAIN else None


def _lasting(status: int, error: Said) -> ConnectorError:
    if status >= 500 or (not error.code and status < 400):
        return _down(error)
    if error.code in OLD_VERSION or status == 410:
        return PermanentError(
            "this org no longer speaks the version of Salesforce's API that is called; set "
            "CUEREEL_SALESFORCE_VERSION to a newer one",
            reason="api_version",
        )
    if error.code == "NOT_FOUND" or status == 404:
        return NotFoundError("Salesforce has no such record or address")
    return RefusedError(status, error)


def _down(error: Said) -> CRMDownError:
    named = f" ({error.code})" if error.code else ""
    return CRMDownError(f"Salesforce has trouble of its own{named}; trying again is safe")


def _sentence(error: Said) -> str:
    named = ", ".join(error.fields[:MOST_NAMED])
    about = f" because of {named}" if named else ""
    what = SENTENCES.get(error.code.upper())
    if what is None:
        return f"Salesforce refused this{about} ({error.code or 'without a reason'})."
    return what.format(about=about, fields=named or "a field")


SENTENCES: Mapping[str, str] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the org refused this{about}. Let the "
    "rule pass for Cuereel's user, then run `cuereel retry`.",
    "REQUIRED_FIELD_MISSING": "The org requires {fields}, which the record has not. Fill it, or make it "
    "optional, then run `cuereel retry`.",
    "STRING_TOO_LONG": "A text is longer than the org's field takes{about}.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The org's field {fields} takes only the values of its "
    "list; make it a text, or lift the restriction.",
    "DUPLICATES_DETECTED": "A duplicate rule of the org refused this. Let it pass for Cuereel's user.",
    "DUPLICATE_VALUE": "Another record of the org has this value already{about}.",
    "INVALID_FIELD": "The org has no field {fields}, or Cuereel's user may not see it; run `cuereel crm "
    "install salesforce`, or give the user the permission set \"Cuereel admin\".",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "Cuereel's user may not edit {fields}; give it the permission set "
    "\"Cuereel admin\".",
    "INSUFFICIENT_ACCESS": "Cuereel's user may not do this in the org; give it the permission set \"Cuereel "
    "admin\" and access to the record.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "Cuereel's user may not edit this record; give it the permission set "
    "\"Cuereel admin\" and access to the record.",
    "API_DISABLED_FOR_ORG": "This org's edition, or Cuereel's user, has no access to the API.",
    "INVALID_TYPE": "The org has no object of this kind, or Cuereel's user may not see it; run `cuereel crm "
    "install salesforce`.",
    "MORE_THAN_ONE_RECORD": "Several records of the org share a key that should be one record's own.",
}  # fmt: skip


def _listed(fields: JSON) -> bool:
    return isinstance(fields, Sequence) and not isinstance(fields, str | bytes)
