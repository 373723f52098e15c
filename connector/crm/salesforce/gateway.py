"""
The one way to a Salesforce org: nobody calls it but through here.

simple-salesforce in direct mode, and of it only `restful`, whose neighbours repeat a refused call
without end or drop its headers (salesforce.md §1.5). Each call carries the org's token, is sent once
more, headers and all, if just that token was refused, and hears how much of the day is used up.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, cast
from urllib.parse import quote

import requests
import urllib3
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connector.crm import Connection, Surroundings
from connector.crm.bounded import away
from connector.crm.salesforce.refusals import LIMIT, refusal, told
from connector.crm.salesforce.tokens import Session, open_session
from connector.crm.salesforce.transport import BoundedSession
from connector.errors import ConnectorError, CRMBusyError, CRMDownError, PayloadError
from connector.model import JSON
from connector.strict_json import parse_json

USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")
CLIENT = "Cuereel"
MOST_PAGES = 100_000

Row = Mapping[str, JSON]


class Gateway:
    """Calls one org."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self.org = str(connection.config.get("org") or connection.id.partition("-")[2])
        self.settings = surroundings.settings
        self.version = surroundings.settings.salesforce_version
        # of the org's calls in 24 hours, so much is used up, as far as this process has heard
        self.used = 0.0
        self.calls = 0
        self._connection = connection
        self._surroundings = surroundings
        self._limits = surroundings.limits
        self._refused_token = ""
        self._session = BoundedSession(self._hear)
        self._library: tuple[Session, Salesforce] | None = None

    @property
    def address(self) -> str:
        """Where the org is; two of the same id at different addresses are a real one and a fake."""
        return self._open().instance

    def call(
        self,
        method: str,
        path: str,
        body: JSON = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JSON:
        """
        Call *path* below `/services/data/vXX.X/`; return the JSON of the answer, None where it is empty.

        Raises what `refusal` says.
        """
        options: dict[str, Any] = {
            "headers": {"Sforce-Call-Options": f"client={CLIENT}", **(headers or {})}
        }
        if body is not None:
            options["json"] = body
        return self._twice(lambda library: _restful(library, path, query, method, options))

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[Row]:
        """Yield the rows of a query, page by page; with *deleted* also those in the recycle bin."""
        page = self.call("GET", "queryAll/" if deleted else "query/", query={"q": soql})
        for _ in range(MOST_PAGES):
            if not isinstance(page, Mapping):
                raise CRMDownError("Salesforce answered a query without rows; trying again is safe")
            yield from page.get("records") or ()
            following = str(page.get("nextRecordsUrl") or "")
            if page.get("done", True) or not following:
                return
            page = self.call("GET", _below_version(following))
        raise CRMDownError("Salesforce's pages lead in a circle; trying again is safe")

    def count(self, soql: str) -> int:
        """Return how many rows a `SELECT COUNT()` query counts."""
        answer = self.call("GET", "query/", query={"q": soql})
        return int(answer.get("totalSize") or 0) if isinstance(answer, Mapping) else 0

    def together(self, requests_: Iterable[tuple[str, str, JSON]]) -> list[tuple[int, JSON]]:
        """
        Make up to 25 calls as one (method, path, body); return status and body of each, in order.

        Of these at most five may be queries or collections (documentation of composite requests).
        """
        parts = [
            {"method": method, "url": f"/services/data/v{self.version}/{path}", "referenceId": f"r{place}",
             **({} if body is None else {"body": body})}
            for place, (method, path, body) in enumerate(requests_)
        ]  # fmt: skip
        answer = self.call("POST", "composite", {"allOrNone": False, "compositeRequest": parts})
        answers = answer.get("compositeResponse") if isinstance(answer, Mapping) else None
        if not isinstance(answers, list) or len(answers) != len(parts):
            raise CRMDownError(
                "Salesforce answered only some of several calls; trying again is safe"
            )
        return [(int(one.get("httpStatusCode") or 0), one.get("body")) for one in answers]

    def upload(self, path: str, lines: IO[bytes]) -> None:
        """Put a file of CSV to *path*; it is sent as it is read."""

        def put(library: Salesforce) -> None:
            lines.seek(0)
            headers = {**library.headers, "Content-Type": "text/csv; charset=UTF-8"}
            response = self._session.request(
                "PUT", library.base_url + path, data=lines, headers=headers
            )
            if response.status_code >= 300:
                raise SalesforceError(
                    response.url, response.status_code, path, cast(Any, _parsed(response))
                )

        self._twice(put)

    def download(
        self, path: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, str]]:
        """Yield the rows of a CSV as they come."""
        response = cast(
            requests.Response, self._twice(lambda library: self._opened(library, path, query))
        )
        response.raw.decode_content = True
        # otherwise it closes itself at the last byte, while the text over it still asks for more
        response.raw.auto_close = False
        text = io.TextIOWrapper(cast(IO[bytes], response.raw), encoding="utf-8", newline="")
        try:
            yield from csv.DictReader(line.replace("\0", "") for line in text)
        except (urllib3.exceptions.HTTPError, OSError, csv.Error, UnicodeDecodeError) as error:
            raise away("Salesforce", type(error).__name__) from None
        finally:
            text.close()
            response.close()

    def locator(self, path: str, query: Mapping[str, str]) -> tuple[list[dict[str, str]], str]:
        """Return one page of a bulk query's rows, and where the next one begins; empty at the end."""
        response = cast(
            requests.Response, self._twice(lambda library: self._opened(library, path, query))
        )
        with response:
            text = response.content.decode("utf-8")
        following = response.headers.get("Sforce-Locator", "")
        return list(csv.DictReader(io.StringIO(text))), "" if following == "null" else following

    def library(self) -> Salesforce:
        """
        Return a simple-salesforce of its own with a token that is good, for the Metadata API alone.

        Its Metadata API changes the headers of whatever it shares them with.
        """
        return _direct(self._open(), self.version, self._session)

    def refuse_token(self) -> None:
        """Ask for another token at the next call, as after a refusal by the Metadata API."""
        self._refused_token = self._open().access

    def close(self) -> None:
        """Give back the sockets."""
        self._session.close()

    def _twice(self, send: Any) -> JSON:
        """Send, and once more with another token where the first one was refused."""
        for last in (False, True):
            self._rest_if_told()
            session = self._open()
            try:
                return send(self._library_of(session))
            except SalesforceError as error:
                content = _content(error)
                if error.status == 401 and not last:
                    # remembered, because the connection that we were opened with still holds it
                    self._refused_token = session.access
                    continue
                raise self._remembered(refusal(int(error.status), content), content) from None
        raise AssertionError("unreachable")

    def _opened(
        self, library: Salesforce, path: str, query: Mapping[str, str] | None
    ) -> requests.Response:
        response = self._session.request(
            "GET", library.base_url + path, params=dict(query or {}),
            headers={**library.headers, "Accept": "text/csv"}, stream=True,
        )  # fmt: skip
        if response.status_code >= 300:
            content = cast(Any, _parsed(response))
            raise SalesforceError(response.url, response.status_code, path, content)
        return response

    def _open(self) -> Session:
        return open_session(self._connection, self._surroundings, refused=self._refused_token)

    def _library_of(self, session: Session) -> Salesforce:
        if self._library is None or self._library[0] != session:
            self._library = (session, _direct(session, self.version, self._session))
        return self._library[1]

    def _rest_if_told(self) -> None:
        seconds = self._limits.resting(self._key())
        if seconds > 0:
            raise CRMBusyError("the org asked us to make no more calls for now", after=seconds)

    def _remembered(self, error: ConnectorError, content: JSON) -> ConnectorError:
        # a lock is about one record; a limit is about all who call
        if isinstance(error, CRMBusyError) and told(content).code == LIMIT:
            self._limits.rest(self._key(), error.after or 1.0)
        return error

    def _hear(self, response: requests.Response) -> None:
        self.calls += 1
        found = USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if found and int(found[2]):
            self.used = int(found[1]) / int(found[2])

    def _key(self) -> str:
        return f"salesforce:{self.org}"


def open_gateway(connection: Connection, surroundings: Surroundings) -> Gateway:
    """Return the way to the org of *connection*."""
    return Gateway(connection, surroundings)


def escaped(part: str) -> str:
    """Return *part* so that it stays one part of a path."""
    return quote(part, safe="")


def _direct(session: Session, version: str, transport: requests.Session) -> Salesforce:
    library = Salesforce(
        session_id=session.access,
        instance_url=session.instance,
        version=version,
        session=transport,
        object_pairs_hook=dict,
    )
    # the library always says https, and a stand-in on this machine does not speak it
    library.base_url = f"{session.instance}/services/data/v{version}/"
    library.metadata_url = f"{session.instance}/services/Soap/m/{version}/"
    return library


def _restful(
    library: Salesforce,
    path: str,
    query: Mapping[str, str] | None,
    method: str,
    options: dict[str, Any],
) -> JSON:
    try:
        return library.restful(path, dict(query) if query else None, method, **options)
    except ValueError:
        # a page in HTML where JSON should be
        raise CRMDownError(
            "Salesforce answered with something other than JSON; trying again is safe"
        ) from None


def _content(error: SalesforceError) -> JSON:
    content = error.content
    if isinstance(content, bytes | str):
        try:
            return parse_json(content if isinstance(content, bytes) else content.encode())
        except PayloadError:
            return None
    return content


def _parsed(response: requests.Response) -> JSON:
    try:
        return parse_json(response.content)
    except PayloadError:
        return None


def _below_version(path: str) -> str:
    """Return what stands behind the version in an address that Salesforce gave."""
    found = re.fullmatch(r"/services/data/v\d+\.\d/((?:query|queryAll)/[A-Za-z0-9\-_/]+)", path)
    if found is None:
        raise CRMDownError("Salesforce named a strange next page; trying again is safe")
    return found[1]
