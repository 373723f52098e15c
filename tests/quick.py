"""
What costs every test time and proves nothing: waiting for the disk, and compiling the same again.

Tests kill processes, never the machine, so that nothing that is written needs to reach the disk.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine, create_engine
from werkzeug.routing import Rule

from connector import store

DURABLE = store.PRAGMAS


class Remembered(BytecodeCache):
    """Templates, compiled once for all applications of this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with what is known of its template."""
        if known := self._known.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember what a template was compiled to."""
        self._known[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


class LazyRule(Rule):
    """A route that learns to build its links when the first one is wanted."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder
        builder = cache(lambda: compiled(append_unknown))

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return builder()(rule, **values)

        return build


def _engine(*given: Any, **options: Any) -> Engine:
    """Make an engine that knows what others of its kind have compiled: each test opens its own."""
    engine = create_engine(*given, **options)
    dialect, compiled = _kinds.setdefault(
        engine.dialect.name, (engine.dialect, engine._compiled_cache)
    )
    engine.dialect = engine.pool._dialect = dialect
    engine._compiled_cache = compiled
    return engine


_kinds: dict[str, tuple[Any, Any]] = {}


def hurry() -> None:
    """Let the tests of this process, and the processes that they start, waste no time."""
    store.PRAGMAS = tuple(pragma.replace("FULL", "OFF") for pragma in DURABLE)
    store.create_engine = _engine
    os.fsync = _stay_in_memory
    Flask.jinja_options = {"bytecode_cache": Remembered()}
    Flask.url_rule_class = LazyRule
    # processes that tests start need not compile all of our code again
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # what is loaded stays, and a test leaves little behind that a look at everything would find
    gc.set_threshold(100_000, 20, 100)


def _stay_in_memory(_file: Any) -> None:
    return None
