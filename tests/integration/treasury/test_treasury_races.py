"""Transfers, endings, checks and bookings of one wallet at the same time: no deadlock, no unit lost."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from kernel.errors import CounterpartError
from kernel.ids import new_id
from kernel.ledger import Ledger
from kernel.postgres import DatabaseContention, Postgres, Transaction
from kernel.treasury import KillSwitch
from kernel.treasury.checking import Checks
from kernel.treasury.desks import Desk
from kernel.treasury.movements import Call, Ending, Order, SolanaCall, State
from kernel.treasury.reconciliation import Books, Sighting
from kernel.treasury.store import TreasuryStore, books_of
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet, WalletRecord

pytestmark = pytest.mark.integration
CHAIN, WEI = "evm:1", "evm:1:native"
WALLETS = tuple("0x" + f"{number:02x}" * 20 for number in range(1, 4))
FUNDS, RESERVE, SEED, WORKERS = 10**9, 50, 20261121, 4
BOOKS = (
    "select (select balance from kernel.ledger_accounts where name = %(account)s and asset = %(asset)s) as account,"
    " (select balance from kernel.ledger_accounts where name = %(in_transit)s and asset = %(asset)s) as in_transit"
    " where %(chain)s <> '' and %(address)s <> ''"
)


class PaperDesk(Desk):
    """A chain on paper: it takes every transfer and has always as much as it is told."""

    def address(self, text: str) -> str:
        return text

    def reserve(self, call: Call | SolanaCall | None = None) -> int:
        return RESERVE

    def record(self, tx: Transaction, order: Order) -> UUID:
        return new_id()

    def prepare(self, address: str) -> None:
        """Nothing."""

    def sight(self, address: str, least_block: int) -> Sighting:
        return Sighting(block=1, balance=FUNDS, transactions=0)

    def is_quiet(self, tx: Transaction, address: str, sighting: Sighting) -> bool:
        return True

    def books(self, tx: Transaction, wallet: WalletRecord, sighting: Sighting) -> Books:
        return books_of(tx, BOOKS, wallet)

    def unbooked(self, tx: Transaction, wallet: WalletRecord, limit: int) -> list[Ending]:
        return []


class Clerk:
    """One worker with a connection of its own."""

    def __init__(self, url: str, name: str) -> None:
        self.name, self.dice = name, random.Random(f"{SEED}-{name}")
        self.postgres = Postgres(url, role="counterpart_ops")
        self.treasury = Treasury(self.postgres, lambda _: PaperDesk())
        self.checks = Checks(self.postgres, self.treasury, lambda _: PaperDesk(), KillSwitch(self.postgres))
        self.seen: Counter[str] = Counter()

    def work(self, rounds: int) -> Counter[str]:
        """Ask, end, check and book in random order; every fourth key is everybody's."""
        for number in range(rounds):
            shared = number % 4 == 0
            key = f"shared-{number}" if shared else f"{self.name}-{number}"
            for act in self.dice.sample((self._ask, self._ask, self._end, self._check, self._book), 3):
                try:
                    act(key)
                except DatabaseContention as contention:
                    self.seen[f"contention: {contention.details}"] += 1
                except CounterpartError as refused:
                    self.seen[refused.code] += 1
        return self.seen

    def _ask(self, key: str) -> None:
        number = sum(key.encode())  # the same for whoever asks under this key
        sender, recipient = WALLETS[number % 3], WALLETS[(number + 1 + number % 2) % 3]
        self.treasury.request(
            Order(key=key, chain=CHAIN, sender=sender, recipient=recipient, amount=100, actor="ada", reason="race")
        )
        self.seen["asked"] += 1

    def _end(self, key: str) -> None:
        transfer = self.treasury.transfer_by_key(key)
        state = State.CONFIRMED if sum(key.encode()) % 3 else State.FAILED
        ending = Ending(
            entry_id=transfer.entry_id,
            chain=CHAIN,
            payer=transfer.sender,
            state=state,
            value=100,
            fee=7,
            block=9,
            transaction_id="0x",
        )
        with self.postgres.transaction() as tx:
            self.treasury.settled(tx, ending)
        self.seen["ended"] += 1

    def _check(self, key: str) -> None:
        self.checks.check(CHAIN, self.dice.choice(WALLETS))
        self.seen["checked"] += 1

    def _book(self, key: str) -> None:
        address = self.dice.choice(WALLETS)
        difference = self.treasury.wallet(CHAIN, address).difference or 1
        self.treasury.book_difference(CHAIN, address, difference, key=f"{self.name}{key}", actor="ada", reason="race")
        self.seen["booked"] += 1


@pytest.mark.timeout(600)
def test_clerks_neither_deadlock_nor_lose_anything(route_url: str, volume: Callable[[int, int], int]) -> None:
    """Each transfer leaves its sender once and ends once, and the books are sound."""
    rounds = volume(60, 1_000)
    setter = Clerk(route_url, "setter")
    for address in WALLETS:
        wallet = OperatorWallet(service="bridge", chain=CHAIN, address=address, floor=0, target=0)
        setter.treasury.declare(wallet, actor="ada", reason="race")
        setter.checks.check(CHAIN, address)

    with ThreadPoolExecutor(WORKERS) as pool:
        clerks = [Clerk(route_url, f"clerk{number}") for number in range(WORKERS)]
        seen: Counter[str] = sum(pool.map(lambda clerk: clerk.work(rounds), clerks), Counter())

    with setter.postgres.transaction() as tx:
        ledger, records = Ledger(), TreasuryStore().wallets(tx)
        ended = tx.one("select count(*) filter (where state <> 'open') as n from kernel.treasury_transfers")["n"]
        transfers = tx.one("select count(*) as n from kernel.treasury_transfers")["n"]
        keys = [row["business_key"] for row in tx.all("select business_key from kernel.ledger_transactions")]
        in_transit = sum(ledger.balance(tx, record.in_transit, WEI) for record in records)
        assert ledger.discrepancies(tx) == []
    assert [word for word in seen if word.startswith("contention")] == []
    assert min(seen["asked"], seen["ended"], seen["checked"]) > rounds
    assert seen["booked"] > 0
    posted = Counter(key.split("/")[1] for key in keys)
    assert posted["settled"] == ended
    assert len(keys) - posted["settled"] - posted["difference"] - posted["opening"] == transfers
    assert in_transit == (transfers - ended) * (100 + RESERVE)
