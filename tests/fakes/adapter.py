"""
What the contract tests need of a CRM: a way to sign, and ways to spoil what can be spoilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from connector.crm import CRM
from connector.model import JSON, Delivery


class Adapter(Protocol):
    """One CRM account with a far side that a test may change at will."""

    crm: CRM
    connection_id: str
    signature_headers: tuple[str, ...]
    secret_count: int
    has_rows: bool

    def delivery(
        self, contact: str, *, at: datetime, occurred_at: datetime, identity: str = "msg-1"
    ) -> Delivery:
        """Return a delivery that tells of one onboarding of *contact*, signed and received at *at*."""

    def signed_with(self, place: int, contact: str, at: datetime) -> Delivery:
        """Return a delivery that is signed with the connection's secret number *place*."""

    def signed_body(self, body: bytes, at: datetime) -> Delivery:
        """Return a delivery that holds *body*, whatever that is, rightly signed."""

    def signed_by_another(self, contact: str, at: datetime) -> Delivery:
        """Return a delivery that another connection's secret signs."""

    def add_contact(self, contact: str, fields: Mapping[str, JSON]) -> None:
        """Make a contact on the far side; *fields* are by our words, without `contact.`."""

    def remove_contact(self, contact: str) -> None:
        """Delete a contact on the far side."""

    def spoil_consent(self, contact: str) -> None:
        """Make it impossible to read whether this contact agreed."""

    def written(self, contact: str) -> Mapping[str, JSON]:
        """Return our fields of a contact as the far side holds them, by our words."""

    def rows(self, contact: str) -> Mapping[str, Mapping[str, JSON]]:
        """Return the rows of a contact by their keys."""

    def close(self) -> None:
        """Give back what the adapter has opened."""

    def busy(self) -> AbstractContextManager[None]:
        """Make the far side refuse to take more for now."""
