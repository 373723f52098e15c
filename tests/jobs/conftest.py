"""The road's installation, for jobs that stand on it."""

from __future__ import annotations

from tests.road.conftest import any_road, road

__all__ = ["any_road", "road"]
