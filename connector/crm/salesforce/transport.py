"""
Salesforce's HTTP under simple-salesforce: bounded in time and size, and never led elsewhere.

The library sets no time-outs and follows redirects; a session of our own under it does neither. Its
only exceptions that leave here are the library's own for answers that are not good.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from connector.crm.bounded import away, read_whole
from connector.errors import SettingError
from connector.settings import Settings

CONNECT_SECONDS, READ_SECONDS = 3.05, 120.0
WHOLE_SECONDS, LARGEST = 300.0, 50_000_000
FOREIGN = (
    "this is not the address of a Salesforce org; it looks like https://acme.my.salesforce.com "
    "(Salesforce: Setup > My Domain)"
)
# where Salesforce has its orgs; a token goes nowhere else
HOSTS = re.compile(
    r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.(?:salesforce\.com|force\.com|salesforce\.mil)"
)

Heard = Callable[[requests.Response], None]


class BoundedSession(requests.Session):
    """A session whose every answer is whole or an error; *heard* is told of each."""

    def __init__(self, heard: Heard | None = None, whole_seconds: float = WHOLE_SECONDS) -> None:
        super().__init__()
        self.trust_env = False
        self._heard = heard
        self._whole_seconds = whole_seconds

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        """Send one call; CRMDownError where no whole answer came. `stream=True` leaves the reading."""
        streamed = options.pop("stream", False)
        bounded = {"timeout": (CONNECT_SECONDS, READ_SECONDS), **options}
        bounded |= {"allow_redirects": False, "stream": True}
        try:
            response = super().request(method, url, *args, **bounded)
            if not streamed:
                response._content = read_whole(
                    response, "Salesforce", largest=LARGEST, seconds=self._whole_seconds
                )
                response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # not chained: the library's own words hold the address
            raise away("Salesforce", type(error).__name__) from None
        if self._heard is not None:
            self._heard(response)
        return response


def safe_address(settings: Settings, address: str) -> str:
    """
    Return scheme and host of an org's *address*; SettingError where that is not Salesforce's.

    Only the operator can name another place, by CUEREEL_SALESFORCE_API.
    """
    if settings.salesforce_api:
        return settings.salesforce_api
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise SettingError(FOREIGN) from None
    if parts.scheme != "https" or port or parts.username or not HOSTS.fullmatch(host):
        raise SettingError(FOREIGN)
    return f"https://{host}"
