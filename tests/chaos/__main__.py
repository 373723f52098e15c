"""Longer runs, on any database: `python -m tests.chaos --seconds 600 --seed 7`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    """Run as asked; print the report as JSON; 0 when the ledger is balanced."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--events", type=int, help="default: five a second")
    arguments.add_argument("--workers", type=int, default=3)
    arguments.add_argument("--sweeps", type=int, default=1)
    arguments.add_argument("--database", default="", help="default: SQLite in a temporary home")
    arguments.add_argument("--seed", type=int, default=random.randrange(10_000))
    arguments.add_argument("--home", type=Path, help="keep everything in this empty folder")
    given = arguments.parse_args()
    print(f"seed {given.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        report = run(
            Plan(
                seed=given.seed,
                seconds=given.seconds,
                events=given.events or int(given.seconds * 5),
                workers=given.workers,
                sweeps=given.sweeps,
                database=given.database,
                patience=max(300.0, given.seconds),
            ),
            given.home or Path(temporary),
        )
    print("\n".join(report.schedule), file=sys.stderr)
    print(json.dumps(report.facts(), indent=2))
    return 0 if report.ledger.balanced else 1


if __name__ == "__main__":
    sys.exit(main())
