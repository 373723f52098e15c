"""
What an account of a CRM tells once and is asked again only after a while, in each process for itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

KEPT_SECONDS = 600.0

T = TypeVar("T")
# where the account is and what it is called: one of the same name elsewhere is a real one and a fake
Account = tuple[str, str]

_answers: dict[tuple[Account, str], tuple[float, object]] = {}
_lock = threading.Lock()


def kept(account: Account, what: str, ask: Callable[[], T]) -> T:
    """Return what *ask* answered within the last ten minutes for this account, else ask now."""
    key = (account, what)
    with _lock:
        until, answer = _answers.get(key, (0.0, None))
    if until > time.monotonic():
        return cast(T, answer)
    fresh = ask()
    with _lock:
        _drop_old()
        _answers[key] = (time.monotonic() + KEPT_SECONDS, fresh)
    return fresh


def forget(account: Account) -> None:
    """Ask this account for everything anew, as after an installation."""
    with _lock:
        for key in [key for key in _answers if key[0] == account]:
            del _answers[key]


def forget_all() -> None:
    """Ask every account for everything anew."""
    with _lock:
        _answers.clear()


def _drop_old() -> None:
    now = time.monotonic()
    for key in [key for key, (until, _) in _answers.items() if until <= now]:
        del _answers[key]
