"""Owns deposits: money from outside that a final event of the chain explains is booked, and forwarded as declared.

1. Book: outside -> wallet, with the deposit's own row, in one transaction under the lock of the wallet's row. Once,
   whoever tells it how often. A difference that it explains to the last unit is one no more.
2. Forward: a transfer under the deposit's key, in a transaction of its own. It waits while the service is halted, the
   wallet lacks the fee, or its books and the chain differ: then nobody knows what is true.

What came before the inlet was declared, or before the wallet's books began, is booked already by other means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kernel.audit import Audit, require_words
from kernel.clock import Clock, SystemClock
from kernel.ledger import Overdrawn
from kernel.postgres import Postgres, Queries, Transaction
from kernel.treasury.desks import Desks
from kernel.treasury.inlets import Deposit, Inlet, InletRecord, InletTaken, InletUnfit
from kernel.treasury.movements import Kind, Order
from kernel.treasury.reconciliation import DIFFERENCE
from kernel.treasury.switch import ServiceHalted
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletNotOpen

if TYPE_CHECKING:
    from kernel.evm.log_cursor import Watch
    from kernel.solana.program_cursor import ProgramWatch

Q: Final = Queries.load(Path(__file__).with_name("deposits.sql"))
ACTOR: Final = "treasury"
#: The topic of a deposit contract's log: Deposited(address indexed sender, address indexed wallet, uint256 amount).
DEPOSITED: Final = bytes.fromhex("8752a472e571a816aea92eec8dae9baf628e840f4929fbcc2d155e6233ff68a7")

Tell = Callable[[Transaction, Deposit], None]


class Taken(StrEnum):
    """What became of a deposit."""

    KEPT = "kept"
    FORWARDED = "forwarded"
    EARLIER = "earlier"  # part of what the wallet's books began with
    NOT_OPEN = "not_open"  # the wallet's books have not begun
    WAITS = "waits"  # booked; its forward has to wait


class Deposits:
    """Inlets, and what comes through them. kind: of the tasks that their events become."""

    def __init__(
        self, postgres: Postgres, treasury: Treasury, desks: Desks, clock: Clock | None = None, *, kind: str
    ) -> None:
        self._postgres, self._treasury, self._desks, self._kind = postgres, treasury, desks, kind
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def declare(self, inlet: Inlet, *, actor: str, reason: str) -> InletRecord:
        """Watch an inlet from the present final block on, or give a declared one other terms; who and why is kept.

        Raises WalletUnknown, WalletNotOpen, ChainUnknown, InletTaken, InletUnfit, NoQuorum, RpcUnavailable.
        """
        from kernel.watches import Watches

        require_words(actor, reason)
        desk, wallet = self._desks(inlet.chain), self._treasury.wallet(inlet.chain, inlet.wallet)
        if wallet.opened_block is None:
            raise WalletNotOpen(chain=inlet.chain, address=inlet.wallet)
        is_wallet_itself = inlet.address == inlet.wallet
        if inlet.least <= desk.reserve() or is_wallet_itself != inlet.chain.startswith("solana:"):
            raise InletUnfit(least=str(desk.reserve()))
        block = desk.sight(inlet.wallet, wallet.opened_block).block
        columns = {name: getattr(inlet, name) for name in ("watch", *Inlet.__slots__)}
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["declare_inlet"], **columns, start_block=block + 1, now=self._clock.now())
            if row is None:
                raise InletTaken(address=inlet.address)
            stored = InletRecord.from_row(row)
            Watches(self._clock).declare(tx, self.watch_of(stored))
            terms = {"wallet": inlet.wallet, "forward_to": inlet.forward_to, "least": str(inlet.least)}
            subject, details = f"inlet:{inlet.chain}:{inlet.address}", {"reason": reason, **terms}
            self._audit.record(tx, actor=actor, action="treasury.open_inlet", subject=subject, details=details)
        return stored

    def inlets(self) -> list[InletRecord]:
        """Every declared inlet."""
        with self._postgres.transaction() as tx:
            return [InletRecord.from_row(row) for row in tx.all(Q["inlets"])]

    def inlets_at(self, chain: str, addresses: Sequence[str]) -> list[InletRecord]:
        """The inlets at some addresses of a chain."""
        with self._postgres.transaction() as tx:
            return [InletRecord.from_row(row) for row in tx.all(Q["inlets_at"], chain=chain, addresses=list(addresses))]

    def watch_of(self, inlet: InletRecord) -> Watch | ProgramWatch:
        """What its cursor and its webhooks read."""
        family, _, name = inlet.chain.partition(":")
        if family == "solana":
            from kernel.solana.program_cursor import ProgramWatch, Wanted

            return ProgramWatch(
                name=inlet.watch,
                cluster=name,
                address=inlet.address,
                kind=self._kind,
                wanted=Wanted.TRANSACTIONS,
                start_slot=inlet.start_block,
            )
        from kernel.evm.log_cursor import Watch

        return Watch(
            name=inlet.watch,
            chain_id=int(name),
            addresses=(inlet.address,),
            kind=self._kind,
            start_block=inlet.start_block,
            topics=(DEPOSITED,),
        )

    def is_own_transfer(self, signature: str, wallet: str) -> bool:
        """Whether a Solana transaction is a transfer of ours to the wallet: its end is booked by whoever sent it."""
        with self._postgres.transaction() as tx:
            return bool(tx.one(Q["is_own_transfer"], signature=signature, wallet=wallet)["own"])

    def take(self, deposit: Deposit, tell: Tell) -> Taken:
        """Book a deposit and forward it; again, and nothing more happens. The event must be final.

        tell: called in the transaction that books it. Raises WalletUnknown, ChainUnknown.
        """
        wallet = self._treasury.wallet(deposit.chain, deposit.wallet)
        if wallet.opened_block is None:
            return Taken.NOT_OPEN
        if deposit.block <= wallet.opened_block:
            return Taken.EARLIER
        booked = self._book(deposit, tell)
        return self._forward(booked) if booked.forward_to else Taken.KEPT

    def _book(self, deposit: Deposit, tell: Tell) -> Deposit:
        with self._postgres.transaction() as tx:
            booked, is_new = self._treasury.receive(tx, deposit)
            if is_new:
                tell(tx, booked)
        return booked

    def _forward(self, deposit: Deposit) -> Taken:
        if deposit.forward_to is None:
            return Taken.KEPT
        if self._treasury.wallet(deposit.chain, deposit.wallet).verdict == DIFFERENCE:
            return Taken.WAITS
        order = Order(
            key=deposit.key,
            chain=deposit.chain,
            sender=deposit.wallet,
            recipient=deposit.forward_to,
            amount=deposit.amount,
            actor=ACTOR,
            reason="its inlet forwards what comes in",
            kind=Kind.FORWARD,
        )
        try:
            self._treasury.request(order)
        except (Overdrawn, ServiceHalted):
            return Taken.WAITS
        return Taken.FORWARDED
