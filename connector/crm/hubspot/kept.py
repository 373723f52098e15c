"""
What a portal tells once and is asked again only after a while: its properties and its owners.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

from connector.crm.hubspot.gateway import Gateway

KEPT_SECONDS = 600.0

T = TypeVar("T")
Key = tuple[str, str, str]

_answers: dict[Key, tuple[float, object]] = {}
_lock = threading.Lock()


def kept(gateway: Gateway, what: str, ask: Callable[[], T]) -> T:
    """Return what *ask* answered within the last ten minutes for this portal, else ask now."""
    key = (_address(gateway), gateway.portal, what)
    with _lock:
        until, answer = _answers.get(key, (0.0, None))
    if until > time.monotonic():
        return cast(T, answer)
    fresh = ask()
    with _lock:
        _drop_old()
        _answers[key] = (time.monotonic() + KEPT_SECONDS, fresh)
    return fresh


def forget(gateway: Gateway) -> None:
    """Ask this portal for everything anew, as after an installation."""
    mine = (_address(gateway), gateway.portal)
    with _lock:
        for key in [key for key in _answers if key[:2] == mine]:
            del _answers[key]


def _drop_old() -> None:
    now = time.monotonic()
    for key in [key for key, (until, _) in _answers.items() if until <= now]:
        del _answers[key]


def _address(gateway: Gateway) -> str:
    # two portals of the same number at different addresses are a real one and a fake
    return str(gateway.client.crm.owners.owners_api.api_client.configuration.host)
