"""
The one way to a HubSpot portal: nobody calls it but through here.

Each call waits for its turn, carries the portal's token, is sent once more if just that token was
refused, and teaches the limiter what the portal allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import hubspot  # type: ignore[import-untyped]
import structlog

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.refusals import RefusedError, refusal
from connector.crm.hubspot.tokens import access_token
from connector.crm.hubspot.transport import Reply, Request, Wire, api_factory
from connector.errors import ConnectorError, CRMBusyError
from connector.limits import Rate
from connector.model import JSON

PATIENCE = 30.0
# HubSpot's 110 in 10 s less five in a hundred, because its clock is not ours; searches apart
CALLS = Rate(104, 10.0)
SEARCHES = Rate(4, 1.0)
KEPT_BELOW = 0.95
LARGEST_RATE, LONGEST_WINDOW = 100_000, 60_000
# a rest this long is about the portal, not about calls of one sort
LONG_REST = 60.0

log = structlog.get_logger(__name__)


class Gateway:
    """Calls one portal; `client` holds hubspot-api-client's generated classes."""

    def __init__(self, connection: Connection, surroundings: Surroundings, patience: float) -> None:
        settings = surroundings.settings
        self.portal = str(connection.config.get("portal") or connection.id.split("-", 1)[-1])
        self._connection = connection
        self._surroundings = surroundings
        self._limits = surroundings.limits
        self._patience = patience
        self._refused_token = ""
        self._zone = _zone(connection.config.get("time_zone"))
        self._wire = Wire(settings.hubspot_api, settings.hubspot_version)
        self.client = hubspot.HubSpot(api_factory=api_factory(self.send, settings.hubspot_api))

    def ask(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> JSON:
        """
        Call a generated *method* and return the JSON of its answer, None where there is none.

        A plain dict serves as a model. Raises what `refusal` says.
        """
        reply: Reply = method(*args, _preload_content=False, **kwargs)
        return reply.json()

    def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, Any] | None = None
    ) -> JSON:
        """Call what the client lacks; `{V}` in *path* stands for the version. Raises as `ask`."""
        written = path.replace("{V}", self._wire.version)
        return self.send(Request(method, written, _pairs(query or {}), body)).json()

    def send(self, request: Request) -> Reply:
        """Return the answer to *request* if it is a good one; raises what `refusal` says."""
        token = self._token()
        reply = self._once(request, token)
        if reply.status == 401:
            # remembered, because the connection that we were opened with still holds it
            self._refused_token = token
            reply = self._once(request, self._token())
        if reply.good:
            return reply
        raise self._refusal(request, reply)

    def close(self) -> None:
        """Give back the sockets."""
        self._wire.close()

    def _token(self) -> str:
        return access_token(self._connection, self._surroundings, refused=self._refused_token)

    def _once(self, request: Request, token: str) -> Reply:
        key, rate = self._limit(request)
        self._limits.wait(key, rate, self._patience)
        reply = self._wire.send(request, token)
        learnt = _learnt(reply.headers)
        if learnt is not None and rate is CALLS:
            self._limits.learn(key, learnt)
        return reply

    def _limit(self, request: Request) -> tuple[str, Rate]:
        if request.path.endswith("/search") and "/objects/" in request.path:
            return f"hubspot-search:{self.portal}", SEARCHES
        return f"hubspot:{self.portal}", CALLS

    def _refusal(self, request: Request, reply: Reply) -> ConnectorError:
        error = refusal(reply.status, reply.headers, reply.data, zone=self._zone)
        # 423 locks one record, the others may go on
        if isinstance(error, CRMBusyError) and reply.status != 423:
            self._rest(request, error.after or 1.0)
        if isinstance(error, RefusedError):
            log.info(
                "refused by HubSpot",
                portal=self.portal,
                status=error.status,
                category=error.category,
                correlation_id=error.correlation_id,
            )
        return error

    def _rest(self, request: Request, seconds: float) -> None:
        keys = {self._limit(request)[0]}
        if seconds > LONG_REST:
            keys |= {f"hubspot:{self.portal}", f"hubspot-search:{self.portal}"}
        for key in keys:
            self._limits.rest(key, seconds)


def open_gateway(
    connection: Connection, surroundings: Surroundings, patience: float = PATIENCE
) -> Gateway:
    """Return the way to the portal of *connection*; a call waits *patience* seconds for its turn."""
    return Gateway(connection, surroundings, patience)


def _learnt(headers: Mapping[str, str]) -> Rate | None:
    most = headers.get("X-HubSpot-RateLimit-Max", "")
    window = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    if not (most.isdecimal() and window.isdecimal()):
        return None
    if not (0 < int(most) <= LARGEST_RATE and 0 < int(window) <= LONGEST_WINDOW):
        return None
    below = min(int(int(most) * KEPT_BELOW), int(most) - 1)
    return Rate(max(1, below), int(window) / 1000)


def _pairs(query: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, given in query.items()
        for value in (given if isinstance(given, list | tuple) else [given])
    ]


def _zone(name: JSON) -> tzinfo:
    try:
        return ZoneInfo(str(name)) if name else UTC
    except (OSError, ValueError, KeyError):
        return UTC
