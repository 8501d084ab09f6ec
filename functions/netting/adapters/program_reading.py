"""Reads what the program did and what its accounts hold: finalized, and as a quorum tells it that nobody's absence
reduces."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from functions.netting.adapters.program_accounts import Addresses, ProgramUnfit
from functions.netting.core.accounts import Account, AccountMalformed, decode_account
from functions.netting.core.instructions import Executed, InstructionMalformed, decode_instruction
from functions.netting.core.settlement import SettlementUnfit
from functions.netting.core.telling import SaidAt, Settled, TellingContradicts, batches_settled
from kernel.chain_events import SolanaEvent
from kernel.errors import Broken
from kernel.solana.accounts import AccountState
from kernel.solana.history import ConfirmedTransaction
from kernel.solana.pool import SolanaPool
from kernel.solana.program_cursor.hearing import reading_of
from kernel.watches.hints import Unsettled
from kernel.watches.hints_solana import landed


class ProgramUnread(Broken):
    """A transaction of the program says what cannot be read."""

    cause = "The program was replaced by one with other instructions or events, or its log was cut off in a batch."
    remedy = "Read the transaction in details; teach core/instructions.py what is new, then replay the task."


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a final transaction of the program did. mints: the tokens that it moved."""

    signature: str
    slot: int
    block_time_s: int | None
    done: tuple[Executed, ...]
    settled: tuple[Settled, ...]
    mints: frozenset[str]


@dataclass(frozen=True, slots=True)
class Held:
    """What an address holds of the program's, as of a slot; None for nothing."""

    account: Account | None
    slot: int


class ProgramReading:
    """One program on one cluster."""

    def __init__(self, pool: SolanaPool, program: str) -> None:
        self._pool = pool
        self.addresses: Final = Addresses(program)

    def told(self, event: SolanaEvent) -> Told | Unsettled:
        """What the event's transaction did; nothing where it failed. Raises ProgramUnread, NoQuorum."""
        transaction = landed(self._pool, event)
        if isinstance(transaction, Unsettled):
            return transaction
        try:
            return self._read(transaction)
        except (InstructionMalformed, TellingContradicts, SettlementUnfit) as odd:
            raise ProgramUnread(signature=transaction.signature, reason=str(odd)) from odd

    def accounts(self, addresses: Collection[str], as_of_slot: int = 0) -> dict[str, Held]:
        """What the addresses hold at that slot or later. Raises ProgramUnfit, NoQuorum."""
        asked = sorted(addresses)
        if not asked:
            return {}
        quorum = self._pool.unreduced()
        found = self._pool.agreed_accounts(asked, as_of_slot=as_of_slot, quorum=quorum)
        return {address: self._held(address, one, as_of_slot) for address, one in zip(asked, found, strict=True)}

    def _read(self, transaction: ConfirmedTransaction) -> Told:
        program, reading = self.addresses.program, reading_of(transaction)
        said = [] if reading is None else [one for one in reading.said if one.program == program]
        done: list[Executed] = []
        if transaction.error is None:
            ran = [one for one in transaction.instructions if one.program == program]
            read = [decode_instruction(one.path, one.accounts, one.data) for one in ran]
            done = [one for one in read if one is not None]
        is_whole = reading is not None and not reading.is_truncated
        words = [SaidAt(path=one.path, content=one.data) for one in said]
        return Told(
            signature=transaction.signature,
            slot=transaction.slot,
            block_time_s=transaction.block_time_s,
            done=tuple(done),
            settled=tuple(batches_settled(done, words, is_whole=is_whole)) if done else (),
            mints=frozenset(one.mint for one in transaction.tokens),
        )

    def _held(self, address: str, account: AccountState | None, as_of_slot: int) -> Held:
        """Somebody may have sent lamports to where an account was: only what the program owns is its own."""
        if account is None or account.owner != self.addresses.program:
            return Held(None, as_of_slot if account is None else account.slot)
        try:
            return Held(decode_account(account.data), account.slot)
        except AccountMalformed as malformed:
            raise ProgramUnfit(account=address, expected=str(malformed)) from malformed
