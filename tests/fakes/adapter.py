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
    secret_count: int
    has_rows: bool
    # whether the far side signs what it sends, with its time; else a secret in the address is the proof
    signs: bool
    # whether an opt-out that is not set can be told from a yes
    hears_yes: bool
    # what a delivery proves itself by: names of headers, or parts of the address
    proofs: tuple[str, ...]
    video_url_field: str

    def id(self, name: str) -> str:
        """Return the id that this CRM has for the contact that tests call *name*, such as "101"."""

    def proof(self, delivery: Delivery, name: str) -> str:
        """Return one proof of a delivery."""

    def with_proof(self, delivery: Delivery, name: str, value: str | None) -> Delivery:
        """Return a delivery with *value* as one of its proofs, or without it."""

    def told_again(
        self, contact: str, *, at: datetime, occurred_at: datetime, number: int
    ) -> Delivery:
        """Return delivery *number* of several that all tell of the same onboarding."""

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
