"""The Consent API for e-mail: of all that is said about a person, the least permissive wins."""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce import lookups
from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.values import Values, normal

PEOPLE = ("Contact", "Lead")
# what an Individual may say against an e-mail
AGAINST = ("HasOptedOutSolicit", "HasOptedOutProcessing", "ShouldForget")
NOT_ALLOWED = "You do not have permission to use the Consent API."
MOST = 200


def email(call: Call) -> tuple[Any, int]:
    """Say for each id or address whether e-mail may be sent."""
    if not call.org.privacy_permission:
        raise RefusalError(403, "INSUFFICIENT_ACCESS", NOT_ALLOWED)
    asked = [one for one in call.query.get("ids", "").split(",") if one]
    if not asked or len(asked) > MOST:
        raise RefusalError(400, "INVALID_ARGUMENT", f"ids must name 1 to {MOST} records")
    return {one: _answer(call.org, one) for one in asked}, 200


def _answer(org: FakeOrg, asked: str) -> Values:
    people = _people(org, asked)
    if not people:
        return {"result": "Failure", "error": "INVALID_ID_FIELD"}
    may = all(_may(org, one) for one in people)
    return {
        "result": "Success",
        "proceed": {"email": str(may).lower(), "emailResult": "Success"},
    }


def _people(org: FakeOrg, asked: str) -> list[Values]:
    record = normal(asked)
    if record:
        return [org.records[name][record] for name in PEOPLE if record in org.records[name]]
    return [
        org.records[name][found]
        for name in PEOPLE
        for found in lookups.resolve(org, name, "Email", asked)
    ]


def _may(org: FakeOrg, person: Values) -> bool:
    individual = org.records["Individual"].get(person.get("IndividualId", ""), {})
    return not (person.get("HasOptedOutOfEmail") or any(individual.get(name) for name in AGAINST))


ROUTES: tuple[Route, ...] = (("GET", "/{V}/consent/action/email", email),)
