"""
Ties a process to its parent, so that killing the parent the hard way leaves nothing running.

Linux sends the signal when the *thread* that started the process ends, so whoever starts processes
this way must do it from a thread that lives as long as they should.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1


def _load() -> Any:
    # looked up before any fork: loading a library in a forked child can dead-lock
    return ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


_prctl = _load()


def die_with(parent: int) -> None:
    """Have the kernel kill this process as soon as *parent* is gone; a no-op outside Linux."""
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # it died before we asked
        os._exit(1)


def tied_to_us() -> Callable[[], None]:
    """Return what a child must call before it becomes another program (`preexec_fn`)."""
    parent = os.getpid()
    return lambda: die_with(parent)
