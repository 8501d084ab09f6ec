"""What became of a transaction of ours, in the words of decisions."""

from functions.oracle.core.reward_steps import Sent
from kernel.outbox.evm import EvmOutbox, State


def sent_of(outbox: EvmOutbox, business_key: str, attempts: int) -> Sent:
    """The end of the newest attempt, if there was one and it has ended."""
    entry = outbox.entry(business_key) if attempts else None
    if entry is None:
        return Sent.NOTHING
    if not entry.settled:
        return Sent.OPEN
    return Sent.CONFIRMED if entry.state == State.CONFIRMED else Sent.FAILED
