"""Owns the choice among several providers of one thing: who is asked first, and what follows when nobody answers."""

from kernel.failover.failover import AllProvidersAway, Failover
from kernel.failover.order import pause_s

__all__ = ["AllProvidersAway", "Failover", "pause_s"]
