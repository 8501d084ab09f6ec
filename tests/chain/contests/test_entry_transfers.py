"""Entries paid for on a real cluster: what its finalized transactions say is what counts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest

from infra.local.contests.players import Player
from infra.local.solana import SolanaNode
from kernel import base58
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from tests.handlers.contests.duel import FEE, GOLD, SOL, Bank, Duel, code

pytestmark = pytest.mark.chain


@dataclass(frozen=True)
class Table:
    """A contest whose wallet is empty, and players who can pay."""

    node: SolanaNode
    duel: Duel
    contest: UUID
    alice: Player
    bob: Player
    wallet: str

    def pay(self, payer: Player, *lamports: int, to: str | None = None) -> str:
        """One transaction of so many transfers, in no block yet; its signature."""
        lately = self.node.rpc("getLatestBlockhash", {"commitment": "confirmed"})["value"]["blockhash"]
        moves = [system_transfer(payer.address, to or self.wallet, one) for one in lamports]
        message = compile_message(payer.address, moves, blockhash=lately)
        signed = with_signatures(message, {payer.address: payer.signer.sign_message(message)})
        self.node.rpc("sendTransaction", base58.encode(signed.raw), {"skipPreflight": True})
        return signed.signature

    def paid(self, payer: Player, *lamports: int, to: str | None = None) -> str:
        """The same, final."""
        signature = self.pay(payer, *lamports, to=to)
        self.node.finalize()
        return signature

    def booked(self) -> int:
        """Lamports in the books of the contest's pool."""
        with self.duel.office.transaction() as tx:
            return self.duel.deps.pools.balance(tx, self.contest)


@pytest.fixture
def table(cash_node: SolanaNode, database_url: str, request: pytest.FixtureRequest) -> Iterator[Table]:
    """Players and a wallet of this test's own."""
    duel = Duel(database_url, (cash_node.url,), Bank(), ())
    alice, bob, wallet = (Player.named(f"{request.node.name} {name}") for name in ("alice", "bob", "wallet"))
    for player in (alice, bob):
        cash_node.fund(player.address, SOL)
    contest = duel.contest(wallet=wallet.address)
    yield Table(cash_node, duel, contest, alice, bob, wallet.address)
    duel.close()


def test_a_finalized_transfer_of_the_fee_is_an_entry_once(table: Table) -> None:
    """The books have what the wallet has; the same transfer gets nobody else in, and nobody in elsewhere."""
    signature = table.paid(table.alice, FEE)
    another = table.duel.contest(wallet=Player.named("elsewhere").address)

    entered = table.duel.enter(table.contest, table.alice.address, signature=signature)
    again = table.duel.enter(table.contest, table.alice.address, signature=signature)

    assert (200, entered) == (entered[0], again)
    assert (409, "signature_spent") == code(table.duel.enter(table.contest, table.bob.address, signature=signature))
    assert (409, "signature_spent") == code(table.duel.enter(another, table.alice.address, signature=signature))
    assert FEE == table.booked() == table.node.balance(table.wallet, "finalized")
    assert entered[1]["slot"] > 0


def test_a_transfer_counts_from_its_finality_on(table: Table) -> None:
    """Executed, and in a block that may still be dropped: not yet. Final: then."""
    signature, reasons = table.pay(table.alice, FEE), []
    for _ in range(2):
        refused = table.duel.enter(table.contest, table.alice.address, {GOLD: 10_000}, signature=signature)
        assert (409, "entry_not_final") == code(refused)
        reasons.append(table.booked())
        table.node.mine()
    table.node.finalize()

    assert [0, 0] == reasons
    assert 200 == table.duel.enter(table.contest, table.alice.address, signature=signature)[0]


Making = Callable[[Table], str]
WRONG: Sequence[tuple[str, str, Making]] = [
    ("another person's transfer", "another_sender", lambda table: table.paid(table.bob, FEE)),
    ("a lamport too little", "another_amount", lambda table: table.paid(table.alice, FEE - 1)),
    ("several transfers", "several_transfers", lambda table: table.paid(table.alice, FEE // 2, FEE // 2)),
    ("to another wallet", "no_transfer", lambda table: table.paid(table.alice, FEE, to=table.bob.address)),
    ("one that failed", "failed", lambda table: table.paid(table.alice, FEE, 100 * SOL)),
]


@pytest.mark.parametrize(("reason", "make"), [pytest.param(*case[1:], id=case[0]) for case in WRONG])
def test_what_pays_something_else_is_no_entry(table: Table, reason: str, make: Making) -> None:
    """Each is refused with its reason, and the books have nothing of it."""
    refused = table.duel.enter(table.contest, table.alice.address, signature=make(table))

    assert (400, "entry_unfit", reason) == (*code(refused), refused[1]["error"]["details"]["reason"])
    assert 0 == table.booked()
