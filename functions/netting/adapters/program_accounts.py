"""The program on its cluster: where its accounts are, what they hold, and the instructions that the authority sends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from functions.netting.core import settlement as borsh
from functions.netting.core.accounts import (
    Account,
    AccountMalformed,
    ClearingAccount,
    Config,
    Item,
    Ledger,
    StateRoot,
    decode_account,
)
from functions.netting.core.packing import Part, Whole
from kernel import base58
from kernel.errors import Broken
from kernel.keys.solana import checked_address
from kernel.solana.accounts import AccountState
from kernel.solana.addresses import SYSTEM_PROGRAM, derived_address
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import AccountUse, Instruction

#: Addresses of accounts; a batch has some ten thousand.
REMEMBERED: Final = 65_536
CLOCK: Final = "SysvarC1ock11111111111111111111111111111111"
#: As the program lays them out (infra/contracts/netting/state.h).
LEDGER_SIZE_BYTES, CLEARING_SIZE_BYTES, STATE_ROOT_SIZE_BYTES = 64, 96, 96

A = TypeVar("A", bound=Account)


class ProgramUnfit(Broken):
    """What lies at an address of the program is none of its accounts."""

    cause = "The program was never initialised, is another one than configured, or lays its accounts out differently."
    remedy = "Compare COUNTERPART_NETTING_PROGRAM with the cluster, and the account in details with state.h."


@dataclass(frozen=True, slots=True)
class Numbered:
    """A plan's items by their numbers in the program."""

    numbers: Mapping[str, int]

    def pairs(self, items: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
        """Numbers and owners, ascending. Raises KeyError for an item without a number."""
        return borsh.by_item(dict(items), self.numbers)


class Addresses:
    """Where the accounts of one program are."""

    def __init__(self, program: str) -> None:
        self.program: Final = program
        # Anybody may ask for any wallet, so that not all that was ever asked for is remembered.
        self._derived: Callable[..., str] = lru_cache(REMEMBERED)(lambda *seeds: derived_address(program, seeds)[0])

    @property
    def config(self) -> str:
        """Authority, newest batch, and whether it stands still."""
        return self._derived(b"config")

    @property
    def state_root(self) -> str:
        """The newest root."""
        return self._derived(b"state_root")

    def ledger(self, wallet: str) -> str:
        """A wallet's funds. Raises SolanaAddressInvalid."""
        return self._derived(b"ledger", base58.decode(checked_address(wallet)))

    def item(self, number: int) -> str:
        """An item in escrow."""
        return self._derived(b"item", number.to_bytes(8, "little"))

    def clearing(self, batch_id: int) -> str:
        """What a batch in parts has taken and not given."""
        return self._derived(b"clearing", batch_id.to_bytes(8, "little"))


class Calls(Addresses):
    """The instructions of one authority."""

    def __init__(self, program: str, authority: str) -> None:
        super().__init__(program)
        self._authority = authority

    def settle_net_batch(self, batch_id: int, batch_hash: bytes, whole: Whole, numbered: Numbered) -> Instruction:
        """Settle a batch in one transaction."""
        items = numbered.pairs(whole.items)
        content = borsh.settle_net_batch_data(batch_id, batch_hash, items, whole.deltas)
        head = [AccountUse(self.config, writable=True), AccountUse(self._authority, signer=True), AccountUse(CLOCK)]
        return self._call(content, head, [*self._items(items), *self._ledgers(whole.deltas)])

    def begin_parts(self, batch_id: int, parts: int, batch_hash: bytes) -> Instruction:
        """Open a batch that comes in parts; the authority gives the rent of its clearing until the last part."""
        head = [AccountUse(self.config, writable=True), self._payer, self._written(self.clearing(batch_id))]
        return self._call(borsh.begin_parts_data(batch_id, parts, batch_hash), head, [AccountUse(SYSTEM_PROGRAM)])

    def settle_part(self, batch_id: int, index: int, part: Part, numbered: Numbered) -> Instruction:
        """Settle one part."""
        items = numbered.pairs(part.items)
        content = borsh.settle_part_data(batch_id, index, part.debits, part.credits, items)
        head = [AccountUse(self.config), self._payer, self._written(self.clearing(batch_id))]
        return self._call(content, head, [*self._ledgers((*part.debits, *part.credits)), *self._items(items)])

    def open_ledger(self, wallet: str) -> Instruction:
        """Open a wallet's ledger; the authority gives its rent for good."""
        accounts = [self._written(self.ledger(wallet)), self._payer, AccountUse(SYSTEM_PROGRAM)]
        return self._call(borsh.open_ledger_data(wallet), accounts, [])

    def settle_state_root(self, batch_id: int, root: bytes, da_hash: bytes, intents: int, items: int) -> Instruction:
        """Keep a state's root; the authority gives the rent of the first."""
        head = [AccountUse(self.config), self._payer, self._written(self.state_root), AccountUse(SYSTEM_PROGRAM)]
        return self._call(borsh.settle_state_root_data(batch_id, root, da_hash, intents, items), head, [])

    @property
    def _payer(self) -> AccountUse:
        return AccountUse(self._authority, signer=True, writable=True)

    def _written(self, address: str) -> AccountUse:
        return AccountUse(address, writable=True)

    def _items(self, items: Sequence[tuple[int, str]]) -> list[AccountUse]:
        return [self._written(self.item(number)) for number, _ in items]

    def _ledgers(self, amounts: Sequence[tuple[str, int]]) -> list[AccountUse]:
        return [self._written(self.ledger(wallet)) for wallet, _ in amounts]

    def _call(self, content: bytes, head: Sequence[AccountUse], rest: Sequence[AccountUse]) -> Instruction:
        return Instruction(self.program, (*head, *rest), content)


class Readings:
    """The program's accounts, finalized, as a quorum of endpoints tells them."""

    def __init__(self, pool: SolanaPool, addresses: Addresses) -> None:
        self._pool, self._addresses = pool, addresses

    def config(self, as_of_slot: int = 0) -> Config:
        """Raises ProgramUnfit, NoQuorum."""
        address = self._addresses.config
        [found] = self._read([address], Config, as_of_slot)
        if found is None:
            raise ProgramUnfit(account=address, expected="Config")
        return found

    def ledgers(self, wallets: Sequence[str], as_of_slot: int = 0) -> dict[str, Ledger]:
        """The ledgers of those wallets that have one. Raises ProgramUnfit, NoQuorum."""
        found = self._read([self._addresses.ledger(wallet) for wallet in wallets], Ledger, as_of_slot)
        return {wallet: one for wallet, one in zip(wallets, found, strict=True) if one is not None}

    def items(self, numbers: Sequence[int], as_of_slot: int = 0) -> dict[int, Item]:
        """Those of the items that are in escrow. Raises ProgramUnfit, NoQuorum."""
        found = self._read([self._addresses.item(number) for number in numbers], Item, as_of_slot)
        return {number: one for number, one in zip(numbers, found, strict=True) if one is not None}

    def clearing(self, batch_id: int, as_of_slot: int = 0) -> ClearingAccount | None:
        """A batch in parts on its way; None before its first and after its last. Raises ProgramUnfit, NoQuorum."""
        return self._read([self._addresses.clearing(batch_id)], ClearingAccount, as_of_slot)[0]

    def state_root(self, as_of_slot: int = 0) -> StateRoot | None:
        """The newest root; None before the first. Raises ProgramUnfit, NoQuorum."""
        return self._read([self._addresses.state_root], StateRoot, as_of_slot)[0]

    def _read(self, addresses: Sequence[str], kind: type[A], as_of_slot: int) -> list[A | None]:
        accounts = self._pool.agreed_accounts(addresses, as_of_slot=as_of_slot) if addresses else []
        return [self._decoded(address, one, kind) for address, one in zip(addresses, accounts, strict=True)]

    def _decoded(self, address: str, account: AccountState | None, kind: type[A]) -> A | None:
        """None where there is nothing of the program: somebody may have sent lamports to the address."""
        if account is None or account.owner != self._addresses.program:
            return None
        try:
            decoded = decode_account(account.data)
        except AccountMalformed as malformed:
            raise ProgramUnfit(account=address, expected=kind.__name__) from malformed
        if not isinstance(decoded, kind):
            raise ProgramUnfit(account=address, expected=kind.__name__)
        return decoded
