"""Owns how much an event brings to a wallet, and what the deposit is called (pure).

A deposit is named by the place of its event alone: a retraction, and an event that came back after a fork, tell of the
same deposit. On Solana the event is a whole transaction, which may bring something to several wallets.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kernel.chain_events import EvmEvent, SolanaEvent

WORD_BYTES: Final = 32
#: Where an address begins in a topic.
ADDRESS_AT: Final = 12


def place_of(event: EvmEvent | SolanaEvent) -> str:
    """The identity of the event as it was told first."""
    return replace(event, removed=False, occurrence=1).identity


def logged(event: EvmEvent, topic: bytes, wallet: str) -> int:
    """What a deposit contract's log, Deposited(sender, wallet, amount), brings to the wallet; 0 for any other log."""
    if len(event.topics) != 3 or event.topics[0] != topic or len(event.data) != WORD_BYTES:
        return 0
    named = event.topics[2]
    if any(named[:ADDRESS_AT]) or named[ADDRESS_AT:] != bytes.fromhex(wallet.removeprefix("0x")):
        return 0
    return int.from_bytes(event.data)


def moved(lamports: Mapping[str, tuple[int, int]], wallet: str) -> int:
    """What a transaction brings to a wallet, given what each of its accounts held before and after."""
    before, after = lamports.get(wallet, (0, 0))
    return max(0, after - before)


def key_of(event: EvmEvent | SolanaEvent, wallet: str) -> str:
    """What the deposit is called."""
    place = place_of(event)
    return place if isinstance(event, EvmEvent) else f"{place}:{wallet}"
