"""The oracle's stage, for providers that die on it."""

from tests.handlers.oracle.conftest import bystander, stage, stocked

__all__ = ["bystander", "stage", "stocked"]
