"""
Follows a CRM that has made one contact of several: our rows follow, and the one that is left is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.jobs.erase_contact import erase_contact
from connector.jobs.owed import owe_video
from connector.jobs.station import Station
from connector.model import Subject
from connector.store import audit, sessions, videos
from connector.store.merge import merge
from connector.store.subjects import is_erased


def merge_contact(
    station: Station, connection_id: str, losers: Sequence[str], winner: str
) -> list[str]:
    """
    Move what we hold about *losers* to *winner*; return the changes that this owes.

    Where the winner was erased, the others are the same person and are erased as well.
    """
    with station.store.read() as tx:
        erased = is_erased(tx, connection_id, Subject("contact", winner))
    if erased:
        for loser in losers:
            if loser != winner:
                erase_contact(station, connection_id, loser, actor="crm")
        return []
    with station.store.write() as tx:
        moved = merge(tx, connection_id, losers, winner)
        if not moved:
            return []
        audit.record(tx, "crm", "merge", connection_id, {"videos": len(moved)})
        newest = videos.newest(tx, connection_id, winner)
        told = dict.fromkeys([*moved, *([newest.id] if newest else [])])
        # what was watched under either name now counts together
        sessions.owe_measure(tx, told, 0)
        return [change for video_id in told for change in owe_video(tx, station, video_id)]
