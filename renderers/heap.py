"""Gives memory that is free back to the machine: left alone, glibc keeps what big pictures used."""

import ctypes
from functools import lru_cache
from itertools import count

_EVERY = 16  # videos: to give back and to fetch again costs some milliseconds
_videos = count(1)


def give_back() -> None:
    """Call this after each video; every few times it hands free memory back."""
    if next(_videos) % _EVERY == 0 and (trim := _trim()):
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> "ctypes._NamedFuncPointer | None":
    """Find glibc's own way; other C libraries have none and need none."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
