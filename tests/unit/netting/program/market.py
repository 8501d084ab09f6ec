"""The netting program in LiteSVM, with wallets, items and an authority; any account may be swapped for an attack."""

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from kernel import base58

ARTIFACT: Final = Path("infra/contracts/artifacts/netting/netting.so")
PROGRAM: Final = Pubkey.from_bytes(b"\7" * 32)
SYSTEM: Final = Pubkey.from_bytes(bytes(32))
TOKEN: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
CLOCK: Final = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
INSTRUCTIONS: Final = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
ED25519: Final = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
SOL: Final = 10**9
BATCH_HASH: Final = bytes(range(32))
NOW: Final = 1_700_000_000


def pda(*seeds: bytes) -> Pubkey:
    """An address of the program's own."""
    return Pubkey.find_program_address(list(seeds), PROGRAM)[0]


CONFIG, VAULT, STATE_ROOT = pda(b"config"), pda(b"vault"), pda(b"state_root")


def data(name: str, *parts: bytes) -> bytes:
    """An instruction's data."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:8] + b"".join(parts)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def pairs(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A Borsh list of pairs."""
    return u32(len(entries)) + b"".join(left + right for left, right in entries)


def ledger_of(wallet: Pubkey) -> Pubkey:
    return pda(b"ledger", bytes(wallet))


def item_of(number: int) -> Pubkey:
    return pda(b"item", u64(number))


def token_account(mint: Pubkey, holder: Pubkey, amount: int) -> bytes:
    """As the token program lays it out."""
    return bytes(mint) + bytes(holder) + u64(amount) + bytes(36) + b"\1" + bytes(12) + bytes(8) + bytes(36)


class Market:
    """The program, initialised."""

    def __init__(self) -> None:
        self.vm = LiteSVM()
        self.vm.add_program(PROGRAM, ARTIFACT.read_bytes())
        self.authority = self.wallet()
        self.at(NOW)
        self.must(self.authority, self.call("initialize", [(CONFIG, "w"), (self.authority, "sw"), (SYSTEM, "")]))

    def at(self, unix_s: int) -> None:
        """Turn the cluster's clock."""
        clock = self.vm.get_clock()
        clock.unix_timestamp = unix_s
        self.vm.set_clock(clock)

    def wallet(self, lamports: int = 100 * SOL) -> Keypair:
        """A new one with money."""
        made = Keypair()
        self.vm.airdrop(made.pubkey(), lamports)
        return made

    def call(self, name: str, accounts: Sequence[tuple[Any, str]], *parts: bytes) -> Instruction:
        """accounts: a key or a wallet, with "s" where it signs and "w" where it is written."""
        metas = [AccountMeta(_key(one), "s" in how, "w" in how) for one, how in accounts]
        return Instruction(PROGRAM, data(name, *parts), metas)

    def send(self, signers: Sequence[Keypair], *calls: Instruction) -> TransactionMetadata | FailedTransactionMetadata:
        """One transaction, paid by the first of its signers."""
        self.vm.expire_blockhash()
        message = Message.new_with_blockhash(list(calls), signers[0].pubkey(), self.vm.latest_blockhash())
        return self.vm.send_transaction(Transaction(list(signers), message, self.vm.latest_blockhash()))

    def must(self, *sent: Any) -> TransactionMetadata:
        """Signers and calls of one transaction that has to pass."""
        told = self.send(*_split(sent))
        assert isinstance(told, TransactionMetadata), f"{told.err()} {told.meta().logs()}"
        return told

    def refused(self, *sent: Any) -> int | str:
        """The program's own error of a transaction that must not pass; any other error as text."""
        told = self.send(*_split(sent))
        assert isinstance(told, FailedTransactionMetadata), "it was let through"
        inner: Any = getattr(told.err(), "err", None)
        return int(inner.code) if hasattr(inner, "code") else str(inner or told.err())

    # What people do.

    def open(self, wallet: Keypair | Pubkey) -> None:
        key = _key(wallet)
        self.must(
            self.authority,
            self.call("open_ledger", [(ledger_of(key), "w"), (self.authority, "sw"), (SYSTEM, "")], bytes(key)),
        )

    def deposited(self, lamports: int) -> Keypair:
        """A wallet that has locked so much."""
        wallet = self.wallet()
        self.open(wallet)
        accounts = [(ledger_of(wallet.pubkey()), "w"), (wallet, "sw"), (SYSTEM, "")]
        self.must(wallet, self.call("deposit", accounts, u64(lamports)))
        return wallet

    def deposit_item(self, number: int, owner: Keypair, **swapped: Any) -> Instruction:
        """The call; its token accounts are made, one unit of a mint of its own."""
        mint = Pubkey.from_bytes(hashlib.sha256(u64(number)).digest())
        source, escrow = (Pubkey.from_bytes(hashlib.sha256(bytes(mint) + one).digest()) for one in (b"from", b"escrow"))
        for key, holder, amount in ((source, owner.pubkey(), 1), (escrow, VAULT, 0)):
            if self.vm.get_account(key) is None:
                self.vm.set_account(key, Account(SOL, token_account(mint, holder, amount), TOKEN))
        roles: dict[str, tuple[Any, str]] = {
            "item": (item_of(number), "w"),
            "owner": (owner, "sw"),
            "config": (CONFIG, ""),
            "authority": (self.authority, "s"),
            "source": (source, "w"),
            "escrow": (escrow, "w"),
            "vault": (VAULT, ""),
            "token": (TOKEN, ""),
            "system": (SYSTEM, ""),
        }
        return self.call("deposit_item", list((roles | swapped).values()), u64(number))

    def withdraw_item(self, number: int, owner: Keypair, authority: str = "s", **swapped: Any) -> Instruction:
        mint = Pubkey.from_bytes(hashlib.sha256(u64(number)).digest())
        to, escrow = (Pubkey.from_bytes(hashlib.sha256(bytes(mint) + one).digest()) for one in (b"to", b"escrow"))
        self.vm.set_account(to, Account(SOL, token_account(mint, owner.pubkey(), 0), TOKEN))
        roles: dict[str, tuple[Any, str]] = {
            "item": (item_of(number), "w"),
            "owner": (owner, "sw"),
            "config": (CONFIG, ""),
            "authority": (self.authority, authority),
            "escrow": (escrow, "w"),
            "to": (to, "w"),
            "vault": (VAULT, ""),
            "token": (TOKEN, ""),
        }
        return self.call("withdraw_item", list((roles | swapped).values()))

    def settle(
        self,
        batch_id: int,
        items: Sequence[tuple[int, Keypair | Pubkey]],
        deltas: Sequence[tuple[Keypair | Pubkey, int]],
        *,
        accounts: Sequence[tuple[Any, str]] | None = None,
        authority: tuple[Any, str] | None = None,
    ) -> Instruction:
        """settle_net_batch; the accounts that belong to it unless others are given."""
        own = [*((item_of(number), "w") for number, _ in items), *((ledger_of(_key(one)), "w") for one, _ in deltas)]
        head = [(CONFIG, "w"), authority or (self.authority, "s"), (CLOCK, "")]
        told_items = pairs([(u64(number), bytes(_key(owner))) for number, owner in items])
        told_deltas = pairs([(bytes(_key(one)), struct.pack("<q", delta)) for one, delta in deltas])
        rest = own if accounts is None else accounts
        return self.call("settle_net_batch", [*head, *rest], u64(batch_id), BATCH_HASH, told_items, told_deltas)

    def begin(self, batch_id: int, parts: int) -> Instruction:
        clearing = pda(b"clearing", u64(batch_id))
        accounts = [(CONFIG, "w"), (self.authority, "sw"), (clearing, "w"), (SYSTEM, "")]
        return self.call("begin_parts", accounts, u64(batch_id), u32(parts), BATCH_HASH)

    def part(
        self,
        batch_id: int,
        index: int,
        debits: Sequence[tuple[Keypair, int]] = (),
        credits_: Sequence[tuple[Keypair, int]] = (),
        items: Sequence[tuple[int, Keypair]] = (),
        *,
        clearing: Pubkey | None = None,
    ) -> Instruction:
        ledgers = [(ledger_of(one.pubkey()), "w") for one, _ in (*debits, *credits_)]
        head = [(CONFIG, ""), (self.authority, "sw"), (clearing or pda(b"clearing", u64(batch_id)), "w")]
        amounts = [
            pairs([(bytes(one.pubkey()), u64(lamports)) for one, lamports in side]) for side in (debits, credits_)
        ]
        told_items = pairs([(u64(number), bytes(owner.pubkey())) for number, owner in items])
        accounts = [*head, *ledgers, *((item_of(number), "w") for number, _ in items)]
        return self.call("settle_part", accounts, u64(batch_id), u32(index), *amounts, told_items)

    # What the accounts say.

    def locked(self, wallet: Keypair) -> int:
        """A wallet's funds by its ledger, which must be what the account holds beside its rent."""
        account = self.vm.get_account(ledger_of(wallet.pubkey()))
        assert account is not None
        [locked] = struct.unpack_from("<Q", account.data, 40)
        assert account.lamports == locked + self.vm.minimum_balance_for_rent_exemption(len(account.data))
        return int(locked)

    def owner(self, number: int) -> str | None:
        """Who owns an item."""
        account = self.vm.get_account(item_of(number))
        return base58.encode(account.data[16:48]) if account is not None and account.data else None


def _key(one: Any) -> Pubkey:
    return one.pubkey() if isinstance(one, Keypair) else one


def _split(sent: Sequence[Any]) -> tuple[Any, ...]:
    signers = [one for one in sent if isinstance(one, Keypair)]
    return (signers, *(one for one in sent if not isinstance(one, Keypair)))
