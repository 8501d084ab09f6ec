"""Nonces and lookup tables as the chain keeps them, read from bytes that a simulated chain has made."""

import base64
import struct
from dataclasses import replace

import pytest
from solders.account import Account
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from kernel import base58
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.accounts import TABLE_HEAD, AccountState, AccountUnfit, nonce_of, table_of
from kernel.solana.addresses import LOOKUP_TABLE_PROGRAM, SYSTEM_PROGRAM
from kernel.solana.lookup_tables import EXTENSION_MAX, create_table, extend_table
from kernel.solana.nonces import create_nonce
from kernel.solana.transactions import (
    AccountUse,
    DurableNonce,
    Instruction,
    LookupTable,
    compile_message,
    system_transfer,
    with_signatures,
)

pytestmark = pytest.mark.unit

SEED, NONCE_SEED = bytes([1] * 32), bytes([2] * 32)
PAYER, NONCE = LocalSolanaSigner(SEED), LocalSolanaSigner(NONCE_SEED)
RECEIVER = base58.encode(bytes([7] * 32))
MANY = tuple(base58.encode((n + 1).to_bytes(32, "big")) for n in range(60))


class Chain:
    """A simulated chain with a funded payer, and what was sent to it."""

    def __init__(self) -> None:
        self.svm = LiteSVM().with_transaction_history(1_000)
        self.svm.airdrop(Pubkey.from_string(PAYER.address), 10**12)
        self.svm.warp_to_slot(1_000)

    def know_slot(self, slot: int) -> None:
        """Let programs see that `slot` had a block."""
        sysvar, owner = "SysvarS1otHashes111111111111111111111111111", "Sysvar1111111111111111111111111111111111111"
        hashes = struct.pack("<QQ", 1, slot) + bytes(20_488 - 16)
        self.svm.set_account(Pubkey.from_string(sysvar), Account(10**9, hashes, Pubkey.from_string(owner)))

    def send(
        self, *instructions: Instruction, nonce: DurableNonce | None = None, tables: tuple[LookupTable, ...] = ()
    ) -> bool:
        """Sign with all the keys there are and run it; whether it went through."""
        blockhash = None if nonce else str(self.svm.latest_blockhash())
        message = compile_message(
            PAYER.address, instructions, blockhash=blockhash, durable_nonce=nonce, lookup_tables=tables
        )
        signed = with_signatures(message, {one.address: one.sign_message(message) for one in (PAYER, NONCE)})
        done = self.svm.send_transaction(VersionedTransaction.from_bytes(signed.raw))
        self.svm.expire_blockhash()
        assert isinstance(done, TransactionMetadata | FailedTransactionMetadata)
        return isinstance(done, TransactionMetadata)

    def state(self, address: str, slot: int = 1_000) -> AccountState:
        """The account as an RPC tells it."""
        found = self.svm.get_account(Pubkey.from_string(address))
        assert isinstance(found, Account)
        return AccountState(found.lamports, str(found.owner), bytes(found.data), found.executable, slot)


def test_a_durable_nonce_is_used_once() -> None:
    """Made, read, spent; the same bytes never again, and the value after it is another."""
    chain = Chain()
    assert chain.send(*create_nonce(PAYER.address, NONCE.address, PAYER.address))
    first = nonce_of(NONCE.address, chain.state(NONCE.address))
    durable = DurableNonce(NONCE.address, first.authority, first.blockhash)
    went = chain.send(system_transfer(PAYER.address, RECEIVER, 10**9), nonce=durable)
    again = chain.send(system_transfer(PAYER.address, RECEIVER, 10**9 + 1), nonce=durable)
    second = nonce_of(NONCE.address, chain.state(NONCE.address))

    assert (True, False) == (went, again)
    assert PAYER.address == first.authority == second.authority
    assert first.blockhash != second.blockhash


def test_a_lookup_table_is_made_filled_and_used() -> None:
    """60 addresses in three steps, read back in their order, and a transaction over all of them that fits by it."""
    chain = Chain()
    create, address = create_table(PAYER.address, PAYER.address, recent_slot=999)
    chain.know_slot(999)
    assert chain.send(create)
    for number, step in enumerate(extend_table(address, PAYER.address, PAYER.address, MANY)):
        chain.svm.warp_to_slot(1_001 + number)
        assert chain.send(step)
    last_slot = 1_000 + -(-len(MANY) // EXTENSION_MAX)
    fresh = table_of(address, chain.state(address, slot=last_slot))
    table = LookupTable(address, table_of(address, chain.state(address, slot=last_slot + 1)))
    chain.svm.warp_to_slot(last_slot + 1)
    plain = system_transfer(PAYER.address, RECEIVER, 10**9)
    wide = replace(plain, accounts=(*plain.accounts, *map(AccountUse, MANY)))

    assert (MANY[: 2 * EXTENSION_MAX], MANY) == (fresh, table.addresses)
    assert chain.send(wide, tables=(table,))


@pytest.mark.parametrize(
    "change",
    [{"owner": LOOKUP_TABLE_PROGRAM}, {"data": bytes(80)}, {"data": b"\x01" * 79}],
    ids=["of another program", "not initialised", "of another size"],
)
def test_what_is_no_nonce_is_refused(change: dict[str, object]) -> None:
    """A wrong account would make a transaction that never lands."""
    good = AccountState(1, SYSTEM_PROGRAM, struct.pack("<II", 1, 1) + bytes(72), executable=False, slot=5)

    assert base58.encode(bytes(32)) == nonce_of(RECEIVER, good).blockhash
    for account in (replace(good, **change), None):  # type: ignore[arg-type]  # fields by name
        with pytest.raises(AccountUnfit):
            nonce_of(RECEIVER, account)


@pytest.mark.parametrize(
    "change",
    [
        {"owner": SYSTEM_PROGRAM},
        {"data": bytes(56)},
        {"data": b"\x01\x00\x00\x00"},
        {"data": TABLE_HEAD.pack(1, 9, 4, 0) + bytes(35)},
    ],
    ids=["of another program", "not initialised", "cut", "deactivated"],
)
def test_what_is_no_active_table_is_refused(change: dict[str, object]) -> None:
    """A table that is being closed is none."""
    head = TABLE_HEAD.pack(1, 2**64 - 1, 4, 0)
    good = AccountState(1, LOOKUP_TABLE_PROGRAM, head + bytes(56 - len(head)) + bytes(32), executable=False, slot=5)

    assert (base58.encode(bytes(32)),) == table_of(RECEIVER, good)
    for account in (replace(good, **change), None):  # type: ignore[arg-type]  # fields by name
        with pytest.raises(AccountUnfit):
            table_of(RECEIVER, account)


def test_an_account_is_read() -> None:
    """From the RPC's answer; an absent one is None."""
    answer = {
        "context": {"slot": 5},
        "value": {
            "lamports": 7,
            "owner": SYSTEM_PROGRAM,
            "data": [base64.b64encode(b"bytes").decode(), "base64"],
            "executable": False,
        },
    }

    assert AccountState(7, SYSTEM_PROGRAM, b"bytes", executable=False, slot=5) == AccountState.from_rpc(answer)
    assert AccountState.from_rpc({"context": {"slot": 5}, "value": None}) is None


def test_a_table_has_a_limit() -> None:
    """257 addresses do not go into one table; none need no transaction."""
    with pytest.raises(ValueError, match="256"):
        extend_table(RECEIVER, PAYER.address, PAYER.address, [RECEIVER] * 257)
    assert [] == extend_table(RECEIVER, PAYER.address, PAYER.address, [])
