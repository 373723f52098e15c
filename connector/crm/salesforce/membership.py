"""
Makes people members of campaigns; to make one twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from connector.crm.salesforce.batches import Input, create, send_all, update
from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.ids import is_id, is_lead, whole
from connector.crm.salesforce.properties import NO_PERSON
from connector.crm.salesforce.refusals import Complaint, RefusedError, Said, Word, result, word_of
from connector.crm.salesforce.soql import any_of, chunks, quoted, select
from connector.errors import CRMDownError, NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult

CAMPAIGN, MEMBER = "Campaign", "CampaignMember"
PREFIX = "701"
LONGEST_STATUS = 40
NEEDED = frozenset({"CampaignId", "ContactId", "LeadId", "Status"})
UNKNOWN = Complaint(
    "list_unknown",
    "A campaign of Salesforce is named by its id, which begins with 701 and stands in the address of "
    "the campaign's page.",
)


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Make the person of each change a member of its campaign, with the status that it asks for."""
    words: dict[str, Word] = {}
    for name in dict.fromkeys(_list(change) for change in changes):
        owed = [change for change in changes if _list(change) == name]
        words |= _put(gateway, name, owed)
    return [result(change.id, words[change.id]) for change in changes]


def _put(gateway: Door, name: str, changes: Sequence[Change]) -> dict[str, Word]:
    if not (is_id(name) and name.startswith(PREFIX)):
        return _all(changes, UNKNOWN)
    words: dict[str, Word] = {c.id: NO_PERSON for c in changes if not is_id(c.contact_id)}
    # of several for one person the last one counts
    last = {whole(change.contact_id): change for change in changes if is_id(change.contact_id)}
    try:
        members = _members(gateway, name, list(last))
        told = _send(gateway, name, last, members)
    except TemporaryError as error:
        return _all(changes, error) | words
    except (RefusedError, NotFoundError) as error:
        return _all(changes, _not_asked(error)) | words
    return words | {c.id: told[whole(c.contact_id)] for c in changes if c.id not in words}


def _send(
    gateway: Door,
    name: str,
    last: Mapping[str, Change],
    members: Mapping[str, tuple[str, str]],
) -> dict[str, Word]:
    """Make the members that are missing, update whose status is another; return words by person."""
    words: dict[str, Word] = dict.fromkeys(last)
    made = [
        Input(person, MEMBER, _new(name, person, change), "", person, NEEDED)
        for person, change in last.items()
        if person not in members
    ]
    moved = [
        Input(person, MEMBER, {"Status": _status(change)}, members[person][0], person, NEEDED)
        for person, change in last.items()
        if person in members and _status(change) not in ("", members[person][1])
    ]
    words |= send_all(moved, partial(update, gateway)).words
    fresh = send_all(made, partial(create, gateway)).words
    words |= {person: _made(word, last[person]) for person, word in fresh.items()}
    if any(isinstance(word, Complaint) and word.gone for word in fresh.values()):
        words = _whose_fault(gateway, name, words, fresh)
    return words


def _made(word: Word, change: Change) -> Word:
    """Take it for done where somebody else has just made the same member."""
    if not isinstance(word, Complaint) or word.reason != "duplicate_value":
        return word
    if not _status(change):
        return None
    return CRMDownError(
        "the person became a member just now; the status follows", reason="unclear_answer"
    )


def _whose_fault(
    gateway: Door, name: str, words: Mapping[str, Word], fresh: Mapping[str, Word]
) -> dict[str, Word]:
    """Tell a campaign that is gone from people who are."""
    if any(gateway.query(select(("Id",), CAMPAIGN, f"Id = {quoted(whole(name))}"))):
        return dict(words)
    gone = Complaint(
        "list_gone", f"The org has no campaign {name}; name one that exists in the campaign's file."
    )
    return {
        person: gone
        if person in fresh and isinstance(word, Complaint) and word.gone
        else word
        for person, word in words.items()
    }  # fmt: skip


def _members(gateway: Door, name: str, people: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return id and status of each person's membership in the campaign."""
    found: dict[str, tuple[str, str]] = {}
    for field, some in (
        ("ContactId", [one for one in people if not is_lead(one)]),
        ("LeadId", [one for one in people if is_lead(one)]),
    ):
        for ids in chunks(some):
            where = f"CampaignId = {quoted(whole(name))} AND {any_of(field, ids)}"
            for row in gateway.query(select(("Id", field, "Status"), MEMBER, where)):
                found[str(row.get(field))] = (str(row.get("Id")), str(row.get("Status") or ""))
    return found


def _new(name: str, person: str, change: Change) -> dict[str, JSON]:
    who = "LeadId" if is_lead(person) else "ContactId"
    status = _status(change)
    return {"CampaignId": whole(name), who: person, **({"Status": status} if status else {})}


def _status(change: Change) -> str:
    return str(change.values.get("status") or "").strip()[:LONGEST_STATUS]


def _list(change: Change) -> str:
    return str(change.values.get("list") or "").strip()


def _not_asked(error: RefusedError | NotFoundError) -> Word:
    if isinstance(error, NotFoundError):
        return Complaint(error.reason, error.sentence)
    return word_of(Said(error.code))


def _all(changes: Sequence[Change], word: Word) -> dict[str, Word]:
    return dict.fromkeys((change.id for change in changes), word)
