"""One run: start the stack, send events under fire, wait until it is quiet, draw the balance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.events import Posted, Senders
from tests.chaos.fire import Fire
from tests.chaos.ledger import Ledger, balance, drain
from tests.chaos.stack import Stack, stack

Look = Callable[[Stack, Posted], None]


@dataclass(frozen=True)
class Plan:
    """What to do, how long, how hard."""

    seed: int
    seconds: float = 20
    events: int = 100
    workers: int = 3
    sweeps: int = 1
    database: str = ""
    fire: bool = True
    patience: float = 120


@dataclass(frozen=True)
class Report:
    """The balance, and what it was drawn under."""

    plan: Plan
    ledger: Ledger
    shots: dict[str, int]
    schedule: list[str]
    drained: float
    slowest_answer: float

    def facts(self) -> dict[str, Any]:
        """Return everything but the schedule, to be printed."""
        return {
            "seed": self.plan.seed,
            "seconds": self.plan.seconds,
            "shots": self.shots,
            "drained_seconds": round(self.drained, 1),
            "slowest_answer_seconds": round(self.slowest_answer, 3),
            **self.ledger.facts(),
        }


def run(plan: Plan, home: Path, look: Look | None = None) -> Report:
    """Do what the plan says in the folder *home*; *look* may examine the stack at the end."""
    dice = random.Random(plan.seed)
    with stack(
        home,
        database=plan.database,
        contacts=plan.events,
        workers=plan.workers,
        sweeps=plan.sweeps,
    ) as running:
        senders = Senders(running, dice, plan.events, plan.seconds * 0.9)
        fire = Fire(running, random.Random(plan.seed + 1))
        sending = threading.Thread(target=senders.run, name="senders")
        sending.start()
        if plan.fire:
            fire.run(plan.seconds)
        sending.join()
        drained = drain(running, plan.patience)
        ledger = balance(running, senders.posted)
        if look is not None:
            look(running, senders.posted)
        return Report(
            plan=plan,
            ledger=ledger,
            shots=fire.counts(),
            schedule=[f"{shot.at:7.2f} s {shot.kind} {shot.pid}" for shot in fire.shots],
            drained=drained,
            slowest_answer=senders.posted.slowest,
        )
