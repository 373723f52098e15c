"""
Assigns contacts to a holdout or a variant before anything is rendered, the same way every time.

An assignment is a pure function of unit and salt, so that it needs no memory to be stable; it is
stored all the same, because shares may change later while an effect must stay provable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from connector.decide.campaigns import Campaign
from connector.model import Record

BUCKETS = 10_000
HOLDOUT = "holdout"


@dataclass(frozen=True)
class Assignment:
    """What one unit gets: a variant (empty: there is only one), and how likely that was."""

    variant: str
    probability: float
    bucket: int

    @property
    def held_out(self) -> bool:
        """Tell whether the unit gets nothing, so that others can be compared with it."""
        return self.variant == HOLDOUT


def assign(unit: str, salt: str, holdout: float, variants: Mapping[str, float]) -> Assignment:
    """Assign a unit: the first buckets are held out, the rest is shared out among the variants."""
    digest = hashlib.sha256(f"{salt}:{unit}".encode()).digest()
    bucket = int.from_bytes(digest[:4], "big") % BUCKETS
    if bucket < round(holdout * BUCKETS):
        return Assignment(HOLDOUT, holdout, bucket)
    edge, rest = holdout, 1 - holdout
    for variant, share in variants.items():
        edge += share * rest
        if bucket < round(edge * BUCKETS):
            return Assignment(variant, share * rest, bucket)
    last = list(variants)[-1] if variants else ""
    return Assignment(last, variants.get(last, 1.0) * rest, bucket)


def unit_of(record: Record) -> str:
    """Name who is assigned: the contact who would watch, or the subject where there is none."""
    return record.contact_id or f"{record.subject.kind}:{record.subject.id}"


def assignment_of(campaign: Campaign, record: Record, unit_salt: str) -> Assignment:
    """Assign a record within one campaign; every campaign draws anew."""
    experiment = campaign.experiment
    salt = f"{unit_salt}:{campaign.name}"
    return assign(unit_of(record), salt, experiment.holdout, experiment.variants)
