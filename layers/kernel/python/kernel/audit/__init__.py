"""Owns the record of privileged acts: only ever added to, and chained by hashes so that a change shows."""

from kernel.audit.chain import ChainBroken, Head, Link
from kernel.audit.store import Audit, require_words

__all__ = ["Audit", "ChainBroken", "Head", "Link", "require_words"]
