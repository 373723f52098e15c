"""
What the views share: settings, store, keys and the doorbell of this web process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from connector.crm import Surroundings
from connector.decide.dictionary import Dictionary
from connector.limits import Limits
from connector.queues import Doorbell
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store

NAME = "cuereel"


@dataclass(frozen=True)
class Desk:
    """Everything a view may reach for."""

    settings: Settings
    store: Store
    keyring: Keyring
    doorbell: Doorbell
    limits: Limits


def surroundings(here: Desk, dictionary: Dictionary) -> Surroundings:
    """Return what a CRM may need of us."""
    return Surroundings(here.settings, here.store, dictionary, here.keyring, here.limits)


def desk() -> Desk:
    """Return the desk of the application that serves this request."""
    return cast(Desk, current_app.extensions[NAME])
