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
from connector.crm.salesforce.kept import described, forget
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
    for name, field, text in _lookups(dictionary, is_lead(person)):
        held = described(gateway, name).fields
        if field in held:
            where = f"{field} = {quoted(person)}"
            if text in held:
                # a deleted person's records point to nobody any more, but keep the id as text
                where += f" OR ({field} = null AND {text} = {quoted(person)})"
            found = once.query(select(("Id",), name, where))
            yield name, [str(row.get("Id")) for row in found]
    if described(gateway, TASK).known:
        yield TASK, all_marked(once, person)


def _lookups(dictionary: Dictionary, lead: bool) -> Iterator[tuple[str, str, str]]:
    """Yield our objects, what points to the person, and its id as text; views before videos."""
    person = "lead" if lead else "contact"
    for kind in ("view_row", "video_row"):
        names = dictionary.rows.get(kind, {})
        if names.get("object"):
            yield names["object"], names.get(person, ""), names.get("person", "")
    yield requests.OBJECT, requests.LEAD if lead else requests.CONTACT, requests.PERSON


def _must_be_done(words: list[Word]) -> None:
    """Raise the worst of what was said; what is gone is as good as deleted."""
    for word in words:
        if isinstance(word, TemporaryError):
            raise word
    for word in words:
        if isinstance(word, Complaint) and not word.gone:
            raise PermanentError(word.sentence, reason=word.reason)
