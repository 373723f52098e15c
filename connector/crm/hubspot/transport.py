"""
HubSpot's HTTP: one session, bounded in time and size, and the dated address of every path.

It also takes the place of the transport inside hubspot-api-client, whose generated classes open
sockets of their own, without time-outs and out of the limiter's sight (hubspot.md §7.3, §7.4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

from connector.crm.bounded import away, read_whole
from connector.crm.hubspot.versions import dated
from connector.errors import CRMDownError, PayloadError
from connector.model import JSON
from connector.strict_json import parse_json

CONNECT_SECONDS, READ_SECONDS = 3.05, 27.0
WHOLE_SECONDS = 60.0
LARGEST = 20_000_000

Query = Iterable[tuple[str, Any]]


@dataclass(frozen=True)
class Request:
    """One call of the API; *form* takes the place of a JSON *body* where tokens are asked for."""

    method: str
    path: str
    query: Query = field(default=(), repr=False)
    body: JSON = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass
class Reply:
    """What came back, whatever its status, in the form that the generated classes want."""

    status: int
    reason: str
    data: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def good(self) -> bool:
        """Tell whether HubSpot did what it was asked, or at least some of it."""
        return 200 <= self.status < 300

    def json(self) -> JSON:
        """Return the body, None where there is none; CRMDownError where it is no sound JSON."""
        if self.status == 204 or not self.data.strip():
            return None
        try:
            return parse_json(self.data)
        except PayloadError:
            raise CRMDownError(
                "HubSpot answered with something other than JSON; trying again is safe"
            ) from None

    def getheaders(self) -> Mapping[str, str]:
        """Return all headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header, in whatever case it is asked for."""
        return self.headers.get(name, default)


class Wire:
    """The socket to HubSpot; it knows no portal, asks nobody for leave and never tries again."""

    def __init__(self, api: str, version: str, read_seconds: float = READ_SECONDS) -> None:
        self.version = version
        self._api = api
        self._timeouts = (CONNECT_SECONDS, read_seconds)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": "Cuereel", "Accept": "application/json"})

    def send(self, request: Request, token: str = "") -> Reply:
        """Return the answer of any status; CRMDownError where none came, or one without end."""
        try:
            with self._opened(request, token) as response:
                return Reply(
                    response.status_code, response.reason, _whole(response), response.headers
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # not chained: the library's own words hold the address, and that may hold an e-mail's
            raise away("HubSpot", type(error).__name__) from None

    def close(self) -> None:
        """Give back the sockets."""
        self._session.close()

    def _opened(self, request: Request, token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if request.form is None and request.body is not None:
            headers["Content-Type"] = "application/json"
        return self._session.request(
            request.method,
            self._api + dated(request.path, self.version),
            params=[(name, _spelt(value)) for name, value in request.query if value is not None],
            data=_written(request),
            headers=headers,
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
        )


class GeneratedTransport:
    """In place of the `RESTClientObject` of each generated package; *send* does the rest."""

    def __init__(self, send: Callable[[Request], Reply], api: str) -> None:
        self._send = send
        self._api = api

    def request(self, method: str, url: str, **options: Any) -> Reply:
        """Send one call; the errors are ours, not those of the package."""
        if options.get("post_params"):
            raise TypeError("only JSON is sent through the generated classes")
        query = tuple(options.get("query_params") or ())
        return self._send(Request(method, url.removeprefix(self._api), query, options.get("body")))

    def GET(self, url: str, **options: Any) -> Reply:  # noqa: N802 - the package's names
        """Send a GET."""
        return self.request("GET", url, **options)

    def HEAD(self, url: str, **options: Any) -> Reply:  # noqa: N802
        """Send a HEAD."""
        return self.request("HEAD", url, **options)

    def POST(self, url: str, **options: Any) -> Reply:  # noqa: N802
        """Send a POST."""
        return self.request("POST", url, **options)

    def PUT(self, url: str, **options: Any) -> Reply:  # noqa: N802
        """Send a PUT."""
        return self.request("PUT", url, **options)

    def PATCH(self, url: str, **options: Any) -> Reply:  # noqa: N802
        """Send a PATCH."""
        return self.request("PATCH", url, **options)

    def DELETE(self, url: str, **options: Any) -> Reply:  # noqa: N802
        """Send a DELETE."""
        return self.request("DELETE", url, **options)


def api_factory(send: Callable[[Request], Reply], api: str) -> Callable[..., Any]:
    """Return what builds the client's generated classes on *send*, each of them once."""
    made: dict[tuple[str, str], Any] = {}

    def build(package: Any, name: str, _config: Mapping[str, Any]) -> Any:
        key = (package.__name__, name)
        if key not in made:
            made[key] = _generated(package, name, GeneratedTransport(send, api), api)
        return made[key]

    return build


def _generated(package: Any, name: str, transport: GeneratedTransport, api: str) -> Any:
    client = package.ApiClient(package.Configuration(host=api))
    client.rest_client = transport
    return getattr(package, name)(api_client=client)


def _written(request: Request) -> Any:
    if request.form is not None or request.body is None:
        return request.form
    return json.dumps(request.body, allow_nan=False).encode()


def _spelt(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _whole(response: requests.Response) -> bytes:
    return read_whole(response, "HubSpot", largest=LARGEST, seconds=WHOLE_SECONDS)
