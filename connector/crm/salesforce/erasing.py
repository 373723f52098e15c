"""
Takes everything of ours off one person: what stands in our fields, our records, our notes and tasks.

The person's own record, and what others wrote on it, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from connector.crm.salesforce import requests
from connector.crm.salesforce.activities import TASK, all_marked
from connector.crm.salesforce.batches import Input, delete, send_all
from connector.crm.salesforce.considerate import Considerate
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.ids import is_id, is_lead, person_object, whole
from connector.crm.salesforce.kept import described, forget, readable
from connector.crm.salesforce.properties import put
from connector.crm.salesforce.refusals import Complaint, Word
from connector.crm.salesforce.soql import quoted, select
from connector.decide.dictionary import Dictionary
from connector.errors import PermanentError, TemporaryError

TRACE = "erase"


def erase(gateway: Gateway, dictionary: Dictionary, contact: str) -> None:
    """
    Empty our fields of *contact* and delete our records about it; one that is gone is no mistake.

    TemporaryError where it must be tried again, PermanentError where Salesforce refuses it.
    """
    if not is_id(contact):
        return
    person = whole(contact)
    # what was installed since we last asked holds data as well
    forget(gateway)
    once = Considerate(gateway)
    words = [_empty(gateway, once, dictionary, person)]
    for name, ids in _ours(gateway, once, dictionary, person):
        inputs = [Input(one, name, {}, one) for one in ids]
        words += send_all(inputs, partial(delete, once)).words.values()
    _must_be_done(words)


def _empty(gateway: Gateway, once: Considerate, dictionary: Dictionary, person: str) -> Word:
    """Empty those of our fields that the org has, whether or not it lets us edit them."""
    held = described(gateway, person_object(person)).fields
    names = [spec.name for spec in dictionary.write_fields.values() if spec.name in held]
    outcome = put(once, [(TRACE, person, dict.fromkeys(names))])
    lacking = outcome.lacking.get(TRACE)
    if lacking and outcome.words.get(TRACE) is None:
        return Complaint(
            "not_editable",
            f"Cuereel's user may not empty {', '.join(sorted(lacking))}; give it the permission set "
            '"Cuereel admin".',
        )
    return outcome.words.get(TRACE)


def _ours(
    gateway: Gateway, once: Considerate, dictionary: Dictionary, person: str
) -> Iterator[tuple[str, list[str]]]:
    """Yield the ids of our records about a person, by object; views before what they belong to."""
    for name, field, subject in _lookups(dictionary, is_lead(person)):
        if field in described(gateway, name).fields:
            where = f"{field} = {quoted(person)}"
            if subject and readable(gateway, name, [subject]):
                # a deleted contact's records point to nobody any more, but say whom they were about
                about = f"{subject} = {quoted(f'contact:{person}')}"
                where += f" OR ({field} = null AND {about})"
            found = once.query(select(("Id",), name, where))
            yield name, [str(row.get("Id")) for row in found]
    if described(gateway, TASK).known:
        yield TASK, all_marked(once, person)


def _lookups(dictionary: Dictionary, lead: bool) -> Iterator[tuple[str, str, str]]:
    """Yield our objects, the field that names the person, and the way to what a video was about."""
    person = "lead" if lead else "contact"
    video, view = (dictionary.rows.get(kind, {}) for kind in ("video_row", "view_row"))
    subject, relation = video.get("subject", ""), view.get("video_id", "").partition(".")[0]
    if view.get("object") and view.get(person):
        yield view["object"], view[person], f"{relation}.{subject}" if relation and subject else ""
    if video.get("object") and video.get(person):
        yield video["object"], video[person], subject
    yield requests.OBJECT, requests.LEAD if lead else requests.CONTACT, ""


def _must_be_done(words: list[Word]) -> None:
    """Raise the worst of what was said; what is gone is as good as deleted."""
    for word in words:
        if isinstance(word, TemporaryError):
            raise word
    for word in words:
        if isinstance(word, Complaint) and not word.gone:
            raise PermanentError(word.sentence, reason=word.reason)
