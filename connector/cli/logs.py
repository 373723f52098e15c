"""
How our processes log: one line per event, only keys that carry no personal data.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# anything else that slips in is shown as its type: a log is no place for a record
ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "exception", "id", "ids", "noun", "job", "queue",
        "queues", "reason", "why", "crm", "connection", "connections", "attempt", "seconds",
        "bytes", "count", "counts", "written", "path", "error", "well", "name", "state", "version",
        "av", "skia", "status", "removed", "rung",
    }
)  # fmt: skip


def start_logging(level: int = logging.INFO) -> None:
    """Configure logging for this process; everything goes to standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _only_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in list(event):
        if key not in ALLOWED and key not in ("exc_info", "stack_info"):
            event[key] = f"<{type(event[key]).__name__}>"
    return event
