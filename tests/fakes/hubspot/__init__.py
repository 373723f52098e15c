"""
A HubSpot portal that tests and benchmarks may do with as they please, over real HTTP.

It was written from the contracts in plain words; where HubSpot's behaviour is not known for sure,
the fake has a switch and says so.
"""

from tests.fakes.hubspot.portal import FakeHubSpot
from tests.fakes.hubspot.sender import Sender
from tests.fakes.hubspot.server import serving

__all__ = ["FakeHubSpot", "Sender", "serving"]
