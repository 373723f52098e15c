"""
How HubSpot takes values: everything is a text, and nothing is the empty one.
"""

from __future__ import annotations

from datetime import UTC, datetime

from connector.model import JSON

MOST_TEXT = 65_536


def text_of(value: JSON, kind: str) -> str:
    """Return a value as HubSpot takes it; nothing is the empty text, which empties a field."""
    if isinstance(value, list | tuple):
        return ";".join(text_of(part, kind) for part in value)
    if kind == "datetime" and isinstance(value, str | datetime):
        return moment_of(value)
    return bounded(_plain(value))


def moment_of(value: str | datetime) -> str:
    """Return a moment in UTC with milliseconds; a text that is none goes as it is, to be refused."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        return bounded(str(value))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bounded(text: str, most: int = MOST_TEXT) -> str:
    """Cut to what a field of HubSpot holds, never through a character."""
    if 2 * len(text) <= most:
        return text
    # counted as HubSpot counts, in units of UTF-16
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")


def _plain(value: JSON) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # never 1e+16, which is no number there
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return str(value)
