"""Proofs that stand in headers, as adapters of CRMs that sign need them."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from connector.model import Delivery


class SignedByHeader:
    """What adapters of CRMs that sign in headers, and know contacts by plain numbers, have in common."""

    signs = True
    hears_yes = True
    video_url_field = "video_url"

    def id(self, name: str) -> str:
        """Return the number itself."""
        return name

    def delivery(
        self, contact: str, *, at: datetime, occurred_at: datetime, identity: str = "msg-1"
    ) -> Delivery:
        """Return a delivery; each CRM's own."""
        raise NotImplementedError

    def told_again(
        self, contact: str, *, at: datetime, occurred_at: datetime, number: int
    ) -> Delivery:
        """Return the same event under another id of its delivery."""
        return self.delivery(contact, at=at, occurred_at=occurred_at, identity=f"msg-{number}")

    def proof(self, delivery: Delivery, name: str) -> str:
        """Return a header."""
        return delivery.headers[name]

    def with_proof(self, delivery: Delivery, name: str, value: str | None) -> Delivery:
        """Return the delivery with another header, or without it."""
        kept = {key: old for key, old in delivery.headers.items() if key != name}
        return dataclasses.replace(
            delivery, headers=kept if value is None else {**kept, name: value}
        )
