"""Owns operators' money on chains: wallets with floors, transfers, reconciliation, and a kill switch per service."""

from kernel.treasury.switch import Halt, KillSwitch, ServiceHalted

__all__ = ["Halt", "KillSwitch", "ServiceHalted"]
