"""
Takes everything of ours off one contact: what stands in our fields, and our notes and tasks.

The contact itself, and what others wrote on it, is left alone.
"""

from __future__ import annotations

from connector.crm.hubspot.activities import KINDS, Kind, find_marked
from connector.crm.hubspot.batches import MOST, TRACE, Considerate, Door, Word
from connector.crm.hubspot.write import put_fields
from connector.decide.dictionary import Dictionary
from connector.errors import NotFoundError, PermanentError, TemporaryError


def erase(gateway: Door, dictionary: Dictionary, contact: str) -> None:
    """
    Empty our fields of *contact* and remove our notes and tasks; one that is gone is no mistake.

    TemporaryError where it must be tried again, PermanentError where HubSpot refuses it.
    """
    once = Considerate(gateway)
    word = _empty(once, dictionary, contact)
    if isinstance(word, TemporaryError):
        raise word
    if word is None or not word.gone:
        for kind in KINDS.values():
            _remove(once, kind, contact)
    # what could not be emptied must not keep what can be removed
    if word is not None and not word.gone:
        raise PermanentError(word.sentence, reason=word.reason)


def _empty(gateway: Door, dictionary: Dictionary, contact: str) -> Word:
    """Empty those of our fields that the portal has."""
    fields = {spec.name: "" for spec in dictionary.write_fields.values()}
    trace = f"erase-{contact}"
    words, _ = put_fields(gateway, [{"id": contact, TRACE: trace, "properties": fields}])
    return words[trace]


def _remove(gateway: Door, kind: Kind, contact: str) -> None:
    try:
        found = find_marked(gateway, kind, [contact], newest=None)
    except NotFoundError:
        return
    ids = [{"id": one} for _, one in found.get(contact, ())]
    for start in range(0, len(ids), MOST):
        archive = gateway.client.crm.objects.batch_api.archive
        gateway.ask(archive, kind.records, {"inputs": ids[start : start + MOST]})
