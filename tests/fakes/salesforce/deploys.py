"""Deployments over the Metadata API's SOAP: begun with a zip, asked for until they have ended."""

from __future__ import annotations

import base64
import binascii
import itertools
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from flask import Response
from lxml import etree

from tests.fakes.salesforce import applied, packages, tooling
from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.checks import Checker
from tests.fakes.salesforce.messages import SOAP, made_id
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.packages import SPACE, Package, Problem

ENVELOPE = (
    f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}" '
    f'xmlns="{SPACE}" xmlns:sf="urn:fault.metadata.soap.sforce.com"><soapenv:Body>'
    "{}</soapenv:Body></soapenv:Envelope>"
)
_numbers = itertools.count(1)


@dataclass
class Deployment:
    """One deployment; *polls* is how many more times it is said to be in progress."""

    id: str
    check_only: bool
    files: dict[str, bytes]
    package: Package
    problems: list[Problem] = field(default_factory=list)
    polls: int = 0

    @property
    def status(self) -> str:
        """How it stands, or how it ended."""
        if self.polls > 0:
            return "InProgress"
        return "Failed" if self.problems else "Succeeded"

    @property
    def count(self) -> int:
        """How many components it is about."""
        named = (*self.package.listed.values(), *self.package.removed.values())
        return sum(len(names) for names in named)


def deploy(call: Call, at: str) -> Any:
    """Take a zip, look it over, and put it into the org unless it is only to be looked over."""
    del at
    asked = _asked(call, "deploy")
    if isinstance(asked, Response):
        return asked
    archive = _archive(asked)
    if archive is None:
        return _fault("sf:INVALID_TYPE", "ZipFile is no base64 of a zip")
    options = {_local(one): (one.text or "").strip().lower() for one in asked.iter()}
    made = begin(call.org, archive, check_only=options.get("checkOnly") == "true")
    body = (
        "<deployResponse><result><done>false</done>"
        f"<id>{made.id}</id><state>Queued</state></result></deployResponse>"
    )
    return _answer(body)


def check_status(call: Call, at: str, id: str) -> Any:
    """Tell how a deployment stands."""
    del at
    asked = _asked(call, "checkDeployStatus")
    if isinstance(asked, Response):
        return asked
    found = next((one for one in call.org.deploys if one.id == id), None)
    if found is None:
        return _fault("sf:INVALID_ID_FIELD", f"invalid deployment id: {id}")
    told = _answer(f"<checkDeployStatusResponse>{_result(found)}</checkDeployStatusResponse>")
    found.polls -= 1 if found.polls > 0 else 0
    return told


def begin(org: FakeOrg, archive: bytes, *, check_only: bool = False) -> Deployment:
    """Deploy a zip; what is asked about it later stands in the result already."""
    package = packages.read(archive)
    problems = package.problems or Checker(org, package).problems()
    problems = problems or applied.kept(org, package)
    id = made_id("0Af", f"deployment {next(_numbers)}")
    made = Deployment(id, check_only, _files(archive), package, problems, org.deploy_polls)
    if not problems and not check_only:
        applied.apply(org, package, made.files)
    org.deploys.append(made)
    return made


ROUTES: tuple[Route, ...] = (
    ("POST", "/services/Soap/m/<at>/deployRequest", deploy),
    ("POST", "/services/Soap/m/<at>/deployRequest/<id>", check_status),
    # an uninstall asks for the versions of flows there
    *tooling.ROUTES,
)


def _asked(call: Call, name: str) -> Any:
    """Return what is asked within the envelope, or the fault that answers it."""
    try:
        root = etree.fromstring(call.raw, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError:
        return _fault("soapenv:Client", "the envelope is not well-formed")
    session = next(root.iter(f"{{{SPACE}}}sessionId"), None)
    if session is None or (session.text or "") not in call.org.grants.accesses:
        said = "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"
        return _fault("sf:INVALID_SESSION_ID", said)
    found = next(root.iter(f"{{{SPACE}}}{name}"), None)
    return found if found is not None else _fault("soapenv:Client", f"no {name} in the envelope")


def _archive(asked: Any) -> bytes | None:
    found = next(asked.iter(f"{{{SPACE}}}ZipFile"), None)
    try:
        return base64.b64decode((found.text if found is not None else "") or "", validate=True)
    except binascii.Error:
        return None


def _files(archive: bytes) -> dict[str, bytes]:
    if not zipfile.is_zipfile(BytesIO(archive)):
        return {}
    with zipfile.ZipFile(BytesIO(archive)) as held:
        return {name: held.read(name) for name in held.namelist()}


def _result(made: Deployment) -> str:
    ended = made.polls <= 0
    bad = len(made.problems) if ended else 0
    details = "".join(_failure(one) for one in made.problems) if ended else ""
    return (
        f"<result><checkOnly>{_flag(made.check_only)}</checkOnly>"
        f"<createdBy>005000000000001AAA</createdBy><createdDate>{_now()}</createdDate>"
        f"<details>{details}</details><done>{_flag(ended)}</done><id>{made.id}</id>"
        "<ignoreWarnings>true</ignoreWarnings>"
        f"<numberComponentErrors>{bad}</numberComponentErrors>"
        f"<numberComponentsDeployed>{made.count - bad if ended else 0}</numberComponentsDeployed>"
        f"<numberComponentsTotal>{made.count}</numberComponentsTotal>"
        "<numberTestErrors>0</numberTestErrors><numberTestsCompleted>0</numberTestsCompleted>"
        "<numberTestsTotal>0</numberTestsTotal><rollbackOnError>true</rollbackOnError>"
        "<runTestsEnabled>false</runTestsEnabled>"
        f"<status>{made.status}</status><success>{_flag(ended and not bad)}</success></result>"
    )


def _failure(one: Problem) -> str:
    line = f"<columnNumber>1</columnNumber><lineNumber>{one.line}</lineNumber>" if one.line else ""
    return (
        "<componentFailures><changed>false</changed>"
        f"<componentType>{escape(one.kind)}</componentType><created>false</created>"
        f"<createdDate>{_now()}</createdDate><deleted>false</deleted>"
        f"<fileName>{escape(one.file)}</fileName><fullName>{escape(one.name)}</fullName>{line}"
        f"<problem>{escape(one.sentence)}</problem><problemType>Error</problemType>"
        "<success>false</success></componentFailures>"
    )


def _fault(code: str, message: str) -> Response:
    body = (
        f"<soapenv:Fault><faultcode>{code}</faultcode>"
        f"<faultstring>{escape(message)}</faultstring></soapenv:Fault>"
    )
    return _answer(body, 500)


def _answer(body: str, status: int = 200) -> Response:
    return Response(ENVELOPE.format(body), status, content_type="text/xml; charset=utf-8")


def _local(one: Any) -> str:
    return str(etree.QName(one).localname) if isinstance(one.tag, str) else ""


def _flag(value: bool) -> str:
    return str(value).lower()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
