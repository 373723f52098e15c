"""A real worker with the instant renderer in its table: `python -m tests.chaos.worker QUEUE…`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from connector.cli.logs import start_logging
from connector.cli.worker import work
from connector.settings import load_settings
from tests import instant

FILM = "CHAOS_FILM"


def main() -> None:
    """Serve the queues named on the command line."""
    start_logging()
    film = Path(os.environ[FILM]).read_bytes()
    # made once by the harness: no codec is opened before a fork
    instant.film = lambda seconds=1.0: film  # type: ignore[assignment]
    instant.install()
    work(sys.argv[1:], load_settings())


if __name__ == "__main__":
    main()
