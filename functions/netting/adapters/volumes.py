"""Owns the volume of session keys: reserved by what is taken in, given back by what is dropped.

A session's volume is what its owner pays at most, all in all. An intent that is settled has used it for good.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("intake.sql"))


def release(tx: Transaction, intents: Collection[str]) -> None:
    """Give back what these intents had reserved: called once for each, in the very transaction that drops it.

    intents: the ids that this transaction's own update moved to `dropped`; not those that were dropped before.
    """
    if intents:
        ids = sorted(intents)
        tx.all(Q["lock_paying_sessions"], ids=ids)
        tx.execute(Q["release_volume"], ids=ids)
