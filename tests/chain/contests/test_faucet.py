"""The faucet on a real cluster: what it gives arrives, what it takes back comes home, and the books say the same."""

from collections.abc import Callable, Iterator

import pytest

from functions.contests.adapters.effects import SUBMIT
from functions.contests.queue_submit_contests_transaction import handler as submit
from functions.contests.wiring import ROLE, KeyDeps
from infra.local.solana import SolanaNode
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.addresses import SYSTEM_PROGRAM
from tests.handlers.contests.custody import CHAIN, Custody

pytestmark = pytest.mark.chain
SOL = 10**9
GRANT, LEFT = SOL // 40, SOL // 200
ROUNDS = 60
ALICE, BOB = (LocalSolanaSigner(bytes([n]) * 32).address for n in (1, 2))
ACCOUNTS = "select name, balance from kernel.ledger_accounts where name like 'contests:%%' order by name"


class Spring(Custody):
    """A faucet and a fee payer with lamports, and three test wallets."""

    def __init__(self, node: SolanaNode, database_url: str) -> None:
        super().__init__(database_url, node.url, wallets_free=0, test_wallets=3, poll_s=1)
        self.node = node
        payer = self.vault.keep(bytes(range(1, 33)), purpose="treasury", chain=CHAIN, actor="a test")
        self.settings = self.settings.model_copy(update={"fee_payer": payer})
        self.generate()
        self.tests = [row["address"] for row in self.rows("select address from contests.test_wallets order by number")]
        node.fund(payer, SOL)

    def submit(self) -> list[str]:
        """Bring every transaction to its end; how each ended."""
        deps = KeyDeps(self.kernels[ROLE], self.settings)
        for _ in range(ROUNDS):
            for task in self.due(SUBMIT):
                self.deliver(submit, deps, task)
            if not self.rows("select id from kernel.solana_outbox where settled_at is null"):
                break
            self.node.mine(16)
            self.clock.advance(2)
        return [row["state"] for row in self.rows("select state from kernel.solana_outbox order by id")]

    def balance(self, address: str) -> int:
        return self.node.balance(address, "finalized")

    def books(self) -> dict[str, int]:
        return {row["name"]: int(row["balance"]) for row in self.rows(ACCOUNTS)}


@pytest.fixture
def spring(start_solana: Callable[..., SolanaNode], database_url: str) -> Iterator[Spring]:
    """Blocks come on demand."""
    spring = Spring(start_solana(paused=True), database_url)
    yield spring
    spring.close()


def test_grants_arrive_and_sweeps_come_home(spring: Spring) -> None:
    """To the lamport, on the chain and in the books; no fee is taken of the faucet or of a test wallet."""
    rich, just, _ = spring.tests
    spring.node.fund(spring.faucet, SOL // 10)
    spring.node.fund(rich, SOL // 10)
    spring.node.fund(just, SOL // 100)
    spring.node.finalize()
    asked = [spring.ask(ALICE, "k-1")[0], spring.ask(BOB, "k-2")[0]]
    granted = spring.submit()
    low = spring.balance(spring.faucet)
    for _ in range(3):
        spring.clock.advance(3_600)
        spring.check_faucet()
    swept = spring.submit()

    assert (asked, granted) == ([202, 202], ["confirmed"] * 2)
    assert [spring.balance(ALICE), spring.balance(BOB), low] == [GRANT, GRANT, SOL // 20]
    assert swept == ["confirmed"] * 3
    assert [spring.balance(one) for one in spring.tests] == [LEFT, SOL // 100, 0]
    assert spring.balance(spring.faucet) == SOL // 20 + SOL // 10 - LEFT
    out = 2 * GRANT - (SOL // 10 - LEFT)
    assert spring.books() == {"contests:faucet": -out, "contests:outside": out}


def test_what_came_to_nothing_is_booked_nowhere(spring: Spring) -> None:
    """The faucet was emptied behind its back: the transaction fails, and nobody has got anything."""
    spring.node.fund(spring.faucet, SOL)
    spring.node.finalize()
    asked = spring.ask(ALICE)[0]
    spring.node.set_account(spring.faucet, lamports=GRANT - 1, owner=SYSTEM_PROGRAM, content=b"")
    ended = spring.submit()

    assert (asked, ended[0] in {"failed", "cancelled"}) == (202, True)
    assert (spring.balance(ALICE), spring.books()) == (0, {})
