"""
Puts contacts on static lists; to put one on twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.crm.hubspot.batches import MOST, Door, Word, result
from connector.crm.hubspot.complaints import NOT_ABOUT_INPUTS, Complaint, told
from connector.crm.hubspot.refusals import RefusedError
from connector.errors import NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult

# HubSpot writes it both ways
MISSING = ("recordIdsMissing", "recordsIdsMissing")
DYNAMIC = "DYNAMIC"
GONE = Complaint("contact_gone", "", gone=True)


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Put the contact of each change on its list, a hundred to a call."""
    words: dict[str, Word] = {}
    for name in dict.fromkeys(_list(change) for change in changes):
        owed = [change for change in changes if _list(change) == name]
        for start in range(0, len(owed), MOST):
            words |= _put(gateway, name, owed[start : start + MOST])
    return [result(change.id, words[change.id]) for change in changes]


def _list(change: Change) -> str:
    return str(change.values.get("list") or "").strip()


def _put(gateway: Door, name: str, changes: Sequence[Change]) -> dict[str, Word]:
    # an id of HubSpot's is a number; anything else would become part of a path
    if not (name.isascii() and name.isdigit()):
        return _all(changes, Complaint("list_unknown", "The list must be named by its HubSpot id."))
    contacts = list(dict.fromkeys(change.contact_id for change in changes))
    try:
        body = gateway.ask(gateway.client.crm.lists.memberships_api.add, name, contacts)
    except TemporaryError as error:
        return _all(changes, error)
    except NotFoundError:
        return _all(changes, _no_list(name))
    except RefusedError as error:
        return _all(changes, _why(gateway, name, error))
    gone = _missing(body)
    return {change.id: GONE if change.contact_id in gone else None for change in changes}


def _all(changes: Sequence[Change], word: Word) -> dict[str, Word]:
    return dict.fromkeys((change.id for change in changes), word)


def _missing(body: JSON) -> frozenset[str]:
    body = body if isinstance(body, Mapping) else {}
    return frozenset(str(one) for name in MISSING for one in body.get(name) or ())


def _why(gateway: Door, name: str, error: RefusedError) -> Word:
    """Find out whether the list is one that fills itself, which nobody may write."""
    refused = Complaint(error.reason, told(error))
    if error.status in NOT_ABOUT_INPUTS:
        return refused
    try:
        body = gateway.ask(gateway.client.crm.lists.lists_api.get_by_id, name)
    except TemporaryError as busy:
        return busy
    except NotFoundError:
        return _no_list(name)
    except RefusedError:
        return refused
    return _dynamic(name) if _kind(body) == DYNAMIC else refused


def _kind(body: JSON) -> str:
    found = body.get("list", body) if isinstance(body, Mapping) else {}
    return str(found.get("processingType", "")) if isinstance(found, Mapping) else ""


def _dynamic(name: str) -> Complaint:
    return Complaint(
        "list_dynamic",
        f"HubSpot fills list {name} by its own rules. Only static lists can be written: "
        "make a static list and name it in the campaign.",
    )


def _no_list(name: str) -> Complaint:
    return Complaint(
        "list_gone", f"HubSpot has no list {name}; name one that exists in the campaign."
    )
