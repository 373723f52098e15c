"""
The one place that turns how work ended into what happens to its row.

A job takes its rows with `take`, works on each inside `working`, and finishes the lease itself in
the transaction that publishes. Everything else that can happen is decided here: tried again later,
given up with a reason, handed back, or left to whoever has taken over.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import Connection

from connector.errors import (
    ConnectorError,
    CredentialError,
    LeaseLostError,
    PermanentError,
    TemporaryError,
)
from connector.jobs.station import Station
from connector.store import leases
from connector.store.leases import Claim

Funeral = Callable[[Connection, Claim, str, str], None]
"""What else is written when a row is given up: transaction, claim, reason, sentence."""

# seconds between looks at whether an admin has connected the CRM again
PARKED_SECONDS = 600.0

log = structlog.get_logger(__name__)


def take(
    station: Station, noun: str, ids: Sequence[str], *, buried: Funeral | None = None
) -> list[Claim]:
    """Claim those of *ids* that are due and free; what crashed too often becomes a dead letter."""
    settings = station.settings
    with station.store.write() as tx:
        claims = leases.claim(tx, noun, ids, settings.lease_seconds)
        # every crash has cost an attempt, so most rows need no second look
        suspects = [claim for claim in claims if claim.attempt > settings.crashes]
        poisoned = [c for c in suspects if leases.crashed_too_often(tx, c, settings.crashes)]
        for claim in poisoned:
            _bury(
                tx,
                claim,
                "crashed",
                f"the worker died {settings.crashes} times while at this; `cuereel retry` tries anew",
                buried,
            )
    return [claim for claim in claims if claim not in poisoned]


@contextmanager
def working(
    station: Station,
    claim: Claim,
    *,
    attempts: int | None = None,
    buried: Funeral | None = None,
) -> Iterator[None]:
    """
    Work on one row; whatever is raised inside ends up on the row, with its reason.

    Swallows what was dealt with, so that the neighbours in the batch go on. A time limit and a
    request to stop are passed on, after the row was given back. Work of a connection that waits for
    an admin waits with it and is never given up.
    """
    most = station.settings.attempts if attempts is None else attempts
    try:
        yield
    except LeaseLostError:
        log.info("lease lost", noun=claim.noun, id=claim.id, attempt=claim.attempt)
    except CredentialError as error:
        _park(station, claim, error)
    except PermanentError as error:
        _give_up(station, claim, error.reason, error.sentence, buried)
    except TemporaryError as error:
        _again(station, claim, error, most, buried)
    except BaseTimeoutException:
        slow = TemporaryError("this took longer than a job may", reason="timeout")
        _again(station, claim, slow, most, buried)
        raise
    except Exception as error:
        # a bug or a surprise of a library: full trace in the log, only its type on the row
        log.exception("unexpected", noun=claim.noun, id=claim.id, attempt=claim.attempt)
        surprise = TemporaryError(
            f"an unexpected {type(error).__name__}; the log has the details", reason="unexpected"
        )
        _again(station, claim, surprise, most, buried)
    except BaseException:
        _hand_back(station, [claim])
        raise


@contextmanager
def renewing(
    station: Station, *claims: Claim, also: Callable[[Connection], object] = lambda _tx: None
) -> Iterator[threading.Event]:
    """
    Keep leases while long work runs; the event is set when one of them is lost or done.

    *also* is done in the transaction of each renewal, for what must be kept beside the leases. Where the worker is told to stop, all that is not done yet is handed back untried.
    """
    lost, done = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=_renew, args=(station, claims, also, lost, done), name="renewing", daemon=True
    )
    thread.start()
    try:
        yield lost
    except Exception:
        raise
    except BaseException:
        _hand_back(station, claims)
        raise
    finally:
        done.set()
        thread.join()


def _renew(
    station: Station,
    claims: Sequence[Claim],
    also: Callable[[Connection], object],
    lost: threading.Event,
    done: threading.Event,
) -> None:
    held = list(claims)
    while held and not done.wait(station.settings.lease_seconds / 3):
        try:
            with station.store.write() as tx:
                kept = [claim for claim in held if _still_ours(tx, claim, station)]
                also(tx)
        except ConnectorError as error:
            log.warning("lease not renewed", reason=error.reason)
            continue
        if len(kept) < len(held):
            lost.set()
        held = kept


def _still_ours(tx: Connection, claim: Claim, station: Station) -> bool:
    try:
        leases.renew(tx, claim, station.settings.lease_seconds)
    except LeaseLostError:
        return False
    return True


def _hand_back(station: Station, claims: Sequence[Claim]) -> None:
    for claim in claims:
        _settle(station, functools.partial(leases.release, held=claim))


def _again(
    station: Station, claim: Claim, error: TemporaryError, most: int, buried: Funeral | None
) -> None:
    if claim.attempt >= most:
        _give_up(station, claim, error.reason, error.sentence, buried)
        return
    log.info("put back", noun=claim.noun, id=claim.id, attempt=claim.attempt, reason=error.reason)
    _settle(
        station,
        lambda tx: leases.put_back(tx, claim, error.reason, error.sentence, error.after),
    )


def _park(station: Station, claim: Claim, error: CredentialError) -> None:
    log.info("parked", noun=claim.noun, id=claim.id, reason=error.reason)
    # under the reason by which `leases.wake` finds it
    waits = CredentialError.reason
    _settle(
        station,
        lambda tx: leases.put_back(tx, claim, waits, error.sentence, PARKED_SECONDS),
    )


def _give_up(
    station: Station, claim: Claim, reason: str, sentence: str, buried: Funeral | None
) -> None:
    log.warning("dead letter", noun=claim.noun, id=claim.id, attempt=claim.attempt, reason=reason)
    _settle(station, lambda tx: _bury(tx, claim, reason, sentence, buried))


def _bury(tx: Connection, claim: Claim, reason: str, sentence: str, buried: Funeral | None) -> None:
    leases.bury(tx, claim, reason, sentence)
    if buried is not None:
        buried(tx, claim, reason, sentence)


def _settle(station: Station, change: Callable[[Connection], None]) -> None:
    """Write the ending; where that fails the lease runs out by itself and the row comes back."""
    try:
        with station.store.write() as tx:
            change(tx)
    except ConnectorError as error:
        log.warning("ending not written", reason=error.reason)
