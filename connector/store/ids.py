"""
Row ids: 26 characters that sort by the time they were made (ULID, github.com/ulid/spec).

Those of one thread sort in the order in which they were made, also within a millisecond.
"""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_last = 0


def new_id() -> str:
    """Return a new id: 48 bits of milliseconds, then 80 random bits."""
    global _last
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    # no lock, which a fork could leave closed for ever: threads that meet here only lose the order
    if number <= _last:
        # the steps are random, so that nobody can tell the next one
        number = _last + 1 + secrets.randbits(64)
    _last = number
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))
