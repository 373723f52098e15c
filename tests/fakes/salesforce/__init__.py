"""
A Salesforce org that tests and benchmarks may do with as they please, over real HTTP.

It was written from the contracts in plain words; where Salesforce's behaviour is not known for sure,
the fake has a switch or says so.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.server import serving

__all__ = ["FakeOrg", "Sender", "serving"]


def __getattr__(name: str) -> Any:
    # the sender needs the product's XML rules, which not every user of the org does
    if name == "Sender":
        from tests.fakes.salesforce.sender import Sender

        return Sender
    raise AttributeError(name)
