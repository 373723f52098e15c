"""
How watching may be remembered, from the loosest way to none at all.

Whoever has a say may only make it stricter: the installation, the connection, the viewer by a choice on
the page, and the viewer's browser by a signal.
"""

from __future__ import annotations

IDENTIFIED = "identified"  # told to the contact's record, the rep and programs outside
PSEUDONYMOUS = "pseudonymous"  # remembered by session, told of nobody
AGGREGATE = "aggregate"  # only sums; a single visit is forgotten after a day
OFF = "off"  # not measured
MODES = (IDENTIFIED, PSEUDONYMOUS, AGGREGATE, OFF)


def strictest(*modes: str | None) -> str:
    """Return the strictest of some modes; None has no say, and a word that is none means `off`."""
    said = [mode for mode in modes if mode is not None]
    return max(
        (mode if mode in MODES else OFF for mode in said), key=MODES.index, default=IDENTIFIED
    )
