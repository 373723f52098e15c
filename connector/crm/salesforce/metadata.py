"""
Deployments over the Metadata API, as simple-salesforce sends them: begun, asked for, told.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

import structlog
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.refusals import refusal
from connector.errors import CRMDownError, PermanentError

FIRST_NAP, LONGEST_NAP, PATIENCE_SECONDS = 0.5, 5.0, 900.0
ENDED = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})
SESSION = "INVALID_SESSION_ID"
FORBIDDEN = ("INSUFFICIENT_ACCESS", "INVALID_TYPE_ON_FIELD_IN_RECORD")

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Problem:
    """What the org says about one part of a deployment."""

    file: str
    kind: str
    sentence: str


@dataclass(frozen=True)
class Deployed:
    """How a deployment ended."""

    well: bool
    problems: tuple[Problem, ...] = ()


class Door:
    """The Metadata API of one org, with a session that is renewed where it was refused."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        # making it reads a description of 1 MB, so it is kept for all stages
        self._library = gateway.library()

    def ask(self, question: Callable[[Salesforce], T]) -> T:
        """Ask, and once more with another token where the first one was refused."""
        for last in (False, True):
            try:
                return question(self._library)
            except SalesforceError as error:
                text = _text(error.content)
                if SESSION not in text or last:
                    raise _refused(error, text) from None
                self._gateway.refuse_token()
                self._library = self._gateway.library()
            except ParseError:
                raise CRMDownError(
                    "Salesforce answered a deployment with something other than XML; try again"
                ) from None
        raise AssertionError("unreachable")


def deploy(door: Door, archive: bytes, title: str, *, check_only: bool = False) -> Deployed:
    """
    Deploy a zip whole or not at all and wait for the end; *check_only* changes nothing.

    Raises PermanentError where our user may not deploy, CRMDownError where the org is long in it.
    """
    job = door.ask(lambda library: _begin(library, archive, check_only))
    log.info("checking" if check_only else "deploying", name=title, bytes=len(archive))
    deadline, nap = time.monotonic() + PATIENCE_SECONDS, FIRST_NAP
    while time.monotonic() < deadline:
        told = door.ask(lambda library: library.checkDeployStatus(job))
        state = str(told.get("state"))
        if state in ENDED:
            log.info("checked" if check_only else "deployed", name=title, state=state)
            return _ended(state, told)
        log.info("in progress", name=title, state=state, count=_count(told))
        time.sleep(nap)
        nap = min(nap * 1.5, LONGEST_NAP)
    raise CRMDownError(
        "the org is still busy with the deployment; look at Setup > Deployment Status there, then run "
        "`cuereel crm install salesforce` again"
    )


def _begin(library: Salesforce, archive: bytes, check_only: bool) -> str:
    # the library writes these into XML as they are; a Python True or None would be no XML value
    begun = library.deploy(
        io.BytesIO(archive),
        False,
        checkOnly=str(check_only).lower(),
        client="Cuereel",
        testLevel="",
        tests="",
        ignoreWarnings="true",
        autoUpdatePackage="false",
        performRetrieve="false",
        purgeOnDelete="false",
    )
    job = begun.get("asyncId")
    if not job:
        raise CRMDownError("Salesforce began no deployment, though it said so; try again")
    return str(job)


def _refused(error: SalesforceError, text: str) -> Exception:
    if any(code in text for code in FORBIDDEN):
        return PermanentError(
            'Cuereel\'s user may not deploy to this org; give it the permissions "Customize Application" '
            'and "Modify Metadata Through Metadata API Functions" (Setup > Permission Sets), or deploy '
            "the folder of `cuereel crm app salesforce` with Salesforce's own command line",
            reason="not_allowed",
        )
    code = SESSION if SESSION in text else ""
    return refusal(int(error.status or 500), {"errorCode": code} if code else None)


def _ended(state: str, told: Mapping[str, Any]) -> Deployed:
    detail = told.get("deployment_detail") or {}
    problems = tuple(
        Problem(
            str(one.get("file") or ""), str(one.get("type") or ""), str(one.get("message") or "")
        )
        for one in detail.get("errors") or ()
    )
    return Deployed(state == "Succeeded" and not problems, problems)


def _count(told: Mapping[str, Any]) -> int:
    done = str((told.get("deployment_detail") or {}).get("deployed_count") or "")
    return int(done) if done.isdecimal() else 0


def _text(content: object) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content)
