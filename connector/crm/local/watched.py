"""
How much of each video a contact has watched, from the rows that were written back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.decide.dictionary import Dictionary
from connector.model import JSON
from connector.store.record_rows import RecordRow


def percent_by_video(
    rows: Sequence[RecordRow], fields: Mapping[str, JSON], dictionary: Dictionary
) -> dict[str, int]:
    """
    Return the percentage per video id; a video that nobody watched is absent.

    The contact's field counts the newest video over all its views. Of an older one the best single
    view is known, which is never too much.
    """
    found: dict[str, int] = {}
    for row in rows:
        percent = whole_percent(row.values.get("percent_watched"))
        if row.kind == "view" and percent is not None:
            video = str(row.values.get("video_id") or "")
            found[video] = max(percent, found.get(video, 0))
    newest = whole_percent(fields.get(dictionary.write_fields["percent_watched"].name))
    link = fields.get(dictionary.write_fields["video_url"].name)
    for row in rows:
        if newest is not None and link and row.values.get("video_url") == link:
            found[row.key] = max(newest, found.get(row.key, 0))
    return found


def whole_percent(value: JSON) -> int | None:
    """Return a value as a whole number from 0 to 100, or None where it is none."""
    try:
        return max(0, min(100, int(float(value))))
    except (TypeError, ValueError, OverflowError):
        return None
