"""
Reads an answer of a CRM whole: within a size and a time, or not at all.
"""

from __future__ import annotations

import time

import requests

from connector.errors import CRMDownError

BLOCK = 65_536


def read_whole(response: requests.Response, crm: str, *, largest: int, seconds: float) -> bytes:
    """
    Return the body of a streamed *response*, unpacked; CRMDownError where it is too large or too slow.

    What there is is read at a time, so that a body which drips cannot outlast the deadline.
    """
    deadline, body = time.monotonic() + seconds, bytearray()
    while block := response.raw.read1(BLOCK, decode_content=True):
        body += block
        if len(body) > largest:
            raise away(crm, f"more than {largest // 1_000_000} MB came")
        if time.monotonic() > deadline:
            raise away(crm, "its answer did not end")
    return bytes(body)


def away(crm: str, why: str) -> CRMDownError:
    """Return the error that no answer came, or none that can be used."""
    return CRMDownError(f"{crm} did not answer ({why}); trying again is safe")
