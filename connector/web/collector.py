"""
Group commit: what arrives within a few milliseconds is stored in one transaction.

A commit costs a disk write and a dozen statements whether it holds one row or five hundred, so a group
closes when nobody joins it for a moment. Each caller waits until its own item is committed, so nothing is answered that could still be lost; when more wait than there is room
for, newcomers are turned away at once.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from connector.errors import TemporaryError

Item = TypeVar("Item")
Result = TypeVar("Result")

GAP_SECONDS = 0.003  # without a newcomer, until a group is taken to be whole
LINGER_SECONDS = 0.025  # for which the first of a group waits at most
MOST_TOGETHER = 500
ROOM = 2000
PATIENCE_SECONDS = 20.0


class Collector(Generic[Item, Result]):
    """One thread of this process that commits items in groups; a fork starts its own."""

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        gap: float = GAP_SECONDS,
        linger: float = LINGER_SECONDS,
        room: int = ROOM,
    ) -> None:
        self._commit = commit
        self._gap = gap
        self._linger = linger
        self._room = room
        self._starting = threading.Lock()
        self._process = 0
        self._waiting: queue.Queue[tuple[Item, Future[Result]]] = queue.Queue(room)

    def submit(self, item: Item) -> Result:
        """Return what the commit says of *item*; TemporaryError where there is no room or time."""
        if self._process != os.getpid():
            self._start()
        answer: Future[Result] = Future()
        try:
            self._waiting.put_nowait((item, answer))
        except queue.Full:
            raise TemporaryError(
                "too much at once; send it again", reason="full", after=5
            ) from None
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            raise TemporaryError("the database is too slow", reason="slow", after=5) from None

    def _start(self) -> None:
        with self._starting:
            if self._process == os.getpid():
                return
            # what a parent process had in its queue is answered by the parent
            self._waiting = queue.Queue(self._room)
            threading.Thread(target=self._run, name="collector", daemon=True).start()
            self._process = os.getpid()

    def _run(self) -> None:
        while True:
            self._settle(self._gather())

    def _gather(self) -> list[tuple[Item, Future[Result]]]:
        group = [self._waiting.get()]
        until = time.monotonic() + self._linger
        while len(group) < MOST_TOGETHER:
            left = min(until - time.monotonic(), self._gap)
            try:
                group.append(
                    self._waiting.get(timeout=left) if left > 0 else self._waiting.get_nowait()
                )
            except queue.Empty:
                break
        return group

    def _settle(self, group: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = list(zip(group, self._commit([item for item, _ in group]), strict=True))
        except Exception as error:  # each waiting request answers for itself
            for _, answer in group:
                answer.set_exception(error)
            return
        for (_, answer), result in results:
            answer.set_result(result)
