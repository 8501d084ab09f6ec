"""Owns the treasury's dealings with an EVM chain: transfers through the outbox, wallets read at one final block."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from kernel.correlation import current
from kernel.evm.addresses import AddressInvalid, checksum
from kernel.evm.blocks import hexadecimal, quantity
from kernel.evm.rpc import RpcPool
from kernel.outbox.evm import EvmIntent, EvmOutbox, OutboxEntry, OutboxPolicy
from kernel.postgres import Transaction
from kernel.treasury.movements import Call, Ending, Order, SolanaCall, State
from kernel.treasury.reconciliation import Books, Sighting
from kernel.treasury.store import Q, books_of
from kernel.treasury.wallets import SERVICE, AddressUnfit, WalletRecord

SUBMIT_KIND: Final = "ops.submit_evm_transaction"


class EvmDesk:
    """One EVM chain.

    outboxes: gives the outbox that signs for an address. transfer_gas: the gas limit of a transfer, more than 21 000
    where recipients are contracts. l1_fee_max_wei: what an OP-stack chain takes beside the gas, at most.
    """

    def __init__(
        self,
        outboxes: Callable[[str], EvmOutbox],
        pool: RpcPool,
        policy: OutboxPolicy,
        *,
        transfer_gas: int,
        l1_fee_max_wei: int = 0,
    ) -> None:
        self._outboxes, self._pool, self._policy = outboxes, pool, policy
        self._transfer_gas, self._l1_fee_max_wei = transfer_gas, l1_fee_max_wei

    def address(self, text: str) -> str:
        try:
            return checksum(text)
        except AddressInvalid as invalid:
            raise AddressUnfit(chain=self._pool.chain, address=text[:64]) from invalid

    def reserve(self, call: Call | SolanaCall | None = None) -> int:
        gas_limit = self._transfer_gas if call is None else _of_evm(call).gas_limit
        return gas_limit * self._policy.fees.fee_cap_wei + self._l1_fee_max_wei

    def record(self, tx: Transaction, order: Order) -> UUID:
        plain = Call(data=b"", gas_limit=self._transfer_gas, submit_kind=SUBMIT_KIND, service=SERVICE)
        call = plain if order.call is None else _of_evm(order.call)
        intent = EvmIntent(
            business_key=order.business_key,
            service=call.service,
            chain_id=self._pool.chain_id,
            signer=order.sender,
            to=order.recipient,
            data=call.data,
            value_wei=order.amount,
            gas_limit=call.gas_limit,
            gas_price_max_wei=call.gas_price_max_wei,
            submit_kind=call.submit_kind,
            correlation_id=current(),
        )
        return self._outboxes(order.sender).record(tx, intent)

    def prepare(self, address: str) -> None:
        self._outboxes(address).open_signers()

    def sight(self, address: str, least_block: int) -> Sighting:  # noqa: ARG002 (any block will do: the books follow)
        block = self._final_block()
        calls = [("eth_getBalance", [address, hex(block)]), ("eth_getTransactionCount", [address, hex(block)])]
        balance, transactions = self._pool.agreed_batch(calls)
        return Sighting(block=block, balance=quantity(balance), transactions=quantity(transactions))

    def is_quiet(self, tx: Transaction, address: str, sighting: Sighting) -> bool:
        place = {"chain_id": self._pool.chain_id, "address": address, "transactions": sighting.transactions}
        return bool(tx.one(Q["evm_is_quiet"], **place)["quiet"])

    def books(self, tx: Transaction, wallet: WalletRecord, sighting: Sighting) -> Books:
        at = {"block": sighting.block, "transactions": sighting.transactions, "checked_nonce": wallet.checked_nonce}
        return books_of(tx, Q["evm_books"], wallet, chain_id=self._pool.chain_id, **at)

    def unbooked(self, tx: Transaction, wallet: WalletRecord, limit: int) -> list[Ending]:
        since = {"checked_nonce": wallet.checked_nonce, "opened_block": wallet.opened_block, "limit": limit}
        rows = tx.all(Q["evm_unbooked"], chain_id=self._pool.chain_id, address=wallet.address, **since)
        return [_ending(row, wallet) for row in rows]

    def _final_block(self) -> int:
        confirmations = self._policy.confirmations
        tag = "finalized" if confirmations is None else "latest"
        reached = self._pool.agreed_floor("eth_getBlockByNumber", [tag, False], by=_number)
        return max(0, reached if confirmations is None else reached - confirmations + 1)


def _of_evm(call: Call | SolanaCall) -> Call:
    if not isinstance(call, Call):
        raise ValueError("a call on an EVM chain has calldata")
    return call


def ending_of(entry: OutboxEntry) -> Ending:
    """The end of a settled entry, for `Treasury.settled`."""
    return Ending(
        entry_id=entry.id,
        chain=f"evm:{entry.chain_id}",
        payer=entry.signer,
        state=State(str(entry.state)),
        value=entry.value_wei,
        # A failed transaction and a cancellation are paid for, too.
        fee=entry.fee_wei or 0,
        block=entry.block_number,
        transaction_id=hexadecimal(entry.transaction_hash) if entry.transaction_hash else None,
    )


def _ending(row: Mapping[str, Any], wallet: WalletRecord) -> Ending:
    return Ending(
        entry_id=row["id"],
        chain=wallet.chain,
        payer=wallet.address,
        state=State(row["state"]),
        value=int(row["value_wei"]),
        fee=int(row["fee"]),
        block=row["block_number"],
        transaction_id=hexadecimal(bytes(row["transaction_hash"])),
    )


def _number(block: Mapping[str, str]) -> int:
    return quantity(block["number"])
