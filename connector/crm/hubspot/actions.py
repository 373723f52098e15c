"""
Our own action in HubSpot's workflows: "Create personalised video", and the list it offers.

HubSpot waits (BLOCK) until the callback is completed. What cannot begin at all is answered at once,
so that no contact is held up for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from connector.crm import Surroundings, Taken
from connector.crm.hubspot.triggers import connection_id, subject_kind
from connector.decide.campaigns import Campaign, parse_campaign
from connector.errors import PayloadError
from connector.model import JSON, Answer, Delivery, Intake, Subject, Trigger
from connector.store import campaigns, connections
from connector.strict_json import parse_json

WORKFLOW_ACTION = "workflow_action"
LONGEST_WAIT = "P1D"  # HubSpot goes on without us after a day
CAMPAIGN = "campaign"
LONGEST_QUOTE = 80


def _identifier(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Identifier = Annotated[str, BeforeValidator(_identifier), Field(min_length=1, max_length=64)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Origin(_Part):
    portal: Identifier = Field(alias="portalId")


class _Context(_Part):
    workflow: Identifier = Field("", alias="workflowId")


class _Object(_Part):
    id: Identifier = Field(alias="objectId")
    type: Identifier = Field("CONTACT", alias="objectType")


class _Request(_Part):
    callback: str = Field(alias="callbackId", pattern=r"^[!-~]{1,100}$")
    origin: _Origin
    context: _Context = _Context()
    object: _Object
    inputs: dict[str, JSON] = Field(default_factory=dict, alias="inputFields")


class _Search(_Part):
    text: str | None = Field(None, alias="q")


class _Question(_Part):
    origin: _Origin
    search: _Search | None = Field(None, alias="fetchOptions")


Shape = TypeVar("Shape", _Request, _Question)


def begin(delivery: Delivery, surroundings: Surroundings) -> Taken:
    """Take in the run of a workflow for one record."""
    request = _read(_Request, delivery)
    kind = subject_kind(request.object.type)
    campaign = request.inputs.get(CAMPAIGN)
    if not is_connected(surroundings, request.origin.portal):
        return _no("NOT_CONNECTED", "This HubSpot account is not connected to Cuereel.")
    if kind is None:
        return _no(
            "WRONG_OBJECT",
            "Videos are made in workflows about contacts, companies, deals or carts.",
        )
    if campaign not in [one.name for one in _campaigns(surroundings)]:
        return _no("NO_CAMPAIGN", _unknown(campaign))
    trigger = _trigger(request, Subject(kind, request.object.id), delivery)
    intake = Intake(request.callback, (trigger,), _blocked())
    return Taken({connection_id(request.origin.portal): intake}, intake.answer)


def options(delivery: Delivery, surroundings: Surroundings) -> Taken:
    """Answer with the videos that a workflow's author may choose from."""
    question = _read(_Question, delivery)
    found: list[Campaign] = []
    if is_connected(surroundings, question.origin.portal):
        wanted = ((question.search and question.search.text) or "").casefold().strip()
        found = [one for one in _campaigns(surroundings) if wanted in _searched(one)]
    return Taken({}, _answer({"options": [_option(one) for one in found], "searchable": True}))


def is_connected(surroundings: Surroundings, portal: str) -> bool:
    """Tell whether a portal is one of ours; one that must be connected again still is."""
    with surroundings.store.read() as tx:
        row = connections.get(tx, surroundings.keyring, connection_id(portal))
    return row is not None and row.crm == "hubspot" and row.state != "disabled"


def _read(model: type[Shape], delivery: Delivery) -> Shape:
    try:
        return model.model_validate(parse_json(delivery.body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise PayloadError(f"{where}: {first['msg']}") from None


def _trigger(request: _Request, subject: Subject, delivery: Delivery) -> Trigger:
    others = {name: value for name, value in request.inputs.items() if name != CAMPAIGN}
    return Trigger(
        key="callback:" + request.callback,
        kind=WORKFLOW_ACTION,
        subject=subject,
        occurred_at=delivery.received_at,
        facts={
            "callback": request.callback,
            "workflow": request.context.workflow,
            "inputs": others,
        },
        campaign=str(request.inputs[CAMPAIGN]),
    )


def _campaigns(surroundings: Surroundings) -> list[Campaign]:
    with surroundings.store.read() as tx:
        rows = campaigns.active(tx)
    return [parse_campaign(row.body, row.name) for row in rows]


def _searched(campaign: Campaign) -> str:
    return f"{campaign.title} {campaign.name}".casefold()


def _option(campaign: Campaign) -> dict[str, str]:
    templates = ", ".join(dict.fromkeys(step.template for step in campaign.steps))
    return {
        "label": campaign.title,
        "value": campaign.name,
        "description": f"Template {templates}, {campaign.deliver.format}",
    }


def _unknown(campaign: JSON) -> str:
    if not campaign:
        return "No video is chosen in this workflow's action."
    name = str(campaign)[:LONGEST_QUOTE]
    return f"There is no video {name!r} any more; choose another one in this workflow's action."


def _no(code: str, sentence: str) -> Taken:
    """Let the workflow go on without a video, and say why in its history."""
    outputs = {
        "hs_execution_state": "FAIL_CONTINUE",
        "errorCode": code,
        "cuereel_status": "failed",
        "cuereel_reason": sentence,
    }
    return Taken({}, _answer({"outputFields": outputs}))


def _blocked() -> Answer:
    outputs = {"hs_execution_state": "BLOCK", "hs_expiration_duration": LONGEST_WAIT}
    return _answer({"outputFields": outputs})


def _answer(body: Mapping[str, JSON]) -> Answer:
    return Answer(200, json.dumps(body, ensure_ascii=False).encode())
