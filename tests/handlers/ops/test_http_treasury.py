"""The treasury over HTTP: who may look, who may act, what is refused, and what is kept of every act."""

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.auth import Role
from kernel.ledger import Ledger, Posting
from kernel.treasury.reconciliation import Sighting
from kernel.treasury.store import TreasuryStore
from tests.handlers.ops.purse import ETHER, GWEI, Purse, code

pytestmark = pytest.mark.handlers
CHAIN = "evm:31337"
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
RESERVE = 21_000 * 200 * GWEI
SETTINGS: dict[str, Any] = {"chain": CHAIN, "rpc_urls": "plain:http://rpc.invalid", "fee_cap_wei": 200 * GWEI}
ACTS = (
    "http_treasury.declare",
    "http_treasury.difference",
    "http_treasury.transfer",
    "http_treasury.halt",
    "http_treasury.withdraw",
)
LOOKS = ("http_treasury", "http_treasury.statement", "http_treasury.transfer_by_key")


@pytest.fixture
def purse(database_url: str) -> Iterator[Purse]:
    """No chain is reachable: whatever these requests do, they do without one."""
    purse = Purse(database_url, (SETTINGS,))
    yield purse
    purse.close()


@pytest.fixture
def sender(purse: Purse) -> str:
    """A wallet whose books are open with ten ether, and whose signer has leased before."""
    address = purse.keep(CHAIN)
    purse.declare(CHAIN, address)
    store, wallet = TreasuryStore(), purse.deps.treasury.wallet(CHAIN, address)
    with purse.kernel.postgres.transaction() as tx:
        Ledger(purse.clock).open(tx, wallet.accounts())
        store.open(tx, wallet, Sighting(block=1, balance=10 * ETHER, transactions=0), purse.clock.now())
        posting = [(wallet.account, 10 * ETHER), (wallet.outside, -10 * ETHER)]
        _post(purse, tx, f"opening-{address}", wallet.asset, posting)
        tx.execute(
            "insert into kernel.evm_nonces (chain_id, signer, next_nonce, opened_at) values (31337, %(a)s, 0, now())",
            a=address,
        )
    return address


def _post(purse: Purse, tx: Any, key: str, asset: str, amounts: list[tuple[str, int]]) -> None:
    postings = [Posting(account, asset, amount) for account, amount in amounts]
    Ledger(purse.clock).post(tx, business_key=key, service="ops", postings=postings)


def acts(purse: Purse) -> list[tuple[str, str, str]]:
    """Who did what to what, the oldest first, keys aside."""
    links = purse.deps.audit.newest()[::-1]
    return [(link.actor, link.action, link.subject) for link in links if link.action.startswith("treasury.")]


@pytest.mark.parametrize("name", [*ACTS, *LOOKS])
def test_only_administrators_act_and_only_operators_look(purse: Purse, name: str) -> None:
    """A viewer sees nothing of money, an operator moves none, and nobody does without a credential."""
    statuses = {role: purse.call(name, role=role)[0] for role in (None, Role.VIEWER, Role.OPERATOR)}

    assert (statuses[None], statuses[Role.VIEWER]) == (401, 403)
    assert (statuses[Role.OPERATOR] == 403) == (name in ACTS)


def test_a_wallet_is_declared_and_checked_at_once(purse: Purse) -> None:
    """In its one form; declared again, it has other floors, and still its service."""
    address = purse.keep(CHAIN)
    first = purse.declare(CHAIN, address.lower(), floor=1, target=5)
    second = purse.declare(CHAIN, address, floor=2, target=6)

    assert (first[0], first[1]["address"], first[1]["floor_base_units"]) == (200, address, "1")
    assert purse.wallet(address)["target_base_units"] == "6"
    assert second[1]["opened_at"] is None
    assert [message.queue for message in purse.kernel.queue.sent] == ["ops-check-wallet"]
    assert [act[1:] for act in acts(purse)] == [("treasury.declare", f"wallet:{CHAIN}:{address}")] * 2


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"chain": "evm:1"}, (422, "chain_unknown")),
        ({"address": STRANGER.replace("a", "A")}, (422, "address_unfit")),
        ({"floor_base_units": "2", "target_base_units": "1"}, (422, "floors_unfit")),
        ({"funded_by": STRANGER}, (404, "wallet_unknown")),
        ({"service": "brigde"}, (404, "service_unknown")),
        ({"floor_base_units": "1.5"}, (400, "invalid_request")),
        ({"reason": "   "}, (400, "invalid_request")),
    ],
)
def test_an_unfit_wallet_is_refused_by_name(purse: Purse, changes: dict[str, str], answer: tuple[int, str]) -> None:
    """And nothing is kept of it."""
    body = {
        "service": "bridge",
        "chain": CHAIN,
        "address": purse.keep(CHAIN),
        "floor_base_units": "0",
        "target_base_units": "1",
        "reason": "a test",
    }

    assert code(purse.call("http_treasury.declare", body=body | changes)) == answer
    assert purse.call("http_treasury")[1] == {"wallets": []}


def test_a_wallet_stays_with_its_service(purse: Purse) -> None:
    """Its books are that service's."""
    address = purse.keep(CHAIN)
    purse.declare(CHAIN, address)
    body = {
        "service": "oracle",
        "chain": CHAIN,
        "address": address,
        "floor_base_units": "0",
        "target_base_units": "1",
        "reason": "a test",
    }

    assert code(purse.call("http_treasury.declare", body=body)) == (409, "wallet_owned")


def test_a_transfer_is_owed_once(purse: Purse, sender: str) -> None:
    """The same key is the same transfer, another amount under it is refused; who asked and why is kept."""
    first, again = (purse.send("one", CHAIN, sender, STRANGER, ETHER) for _ in range(2))
    changed = purse.send("one", CHAIN, sender, STRANGER, 2 * ETHER)

    assert (first[0], first) == (202, again)
    assert first[1] == purse.transfer("one")
    assert (first[1]["state"], first[1]["fee_base_units"]) == ("open", None)
    assert code(changed) == (409, "transfer_changed")
    assert purse.balance(sender) == 9 * ETHER - RESERVE
    assert [message.queue for message in purse.kernel.queue.sent].count("ops-submit-evm-transaction") == 1
    assert [act[1:] for act in acts(purse)][1:] == [("treasury.transfer", "transfer:one")]


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"amount_base_units": str(10 * ETHER - RESERVE + 1)}, (409, "overdrawn")),
        ({"amount_base_units": "9" * 76}, (409, "overdrawn")),
        ({"amount_base_units": "0"}, (400, "invalid_request")),
        ({"sender": STRANGER}, (422, "transfer_to_itself")),
        ({"sender": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}, (404, "wallet_unknown")),
        ({"chain": "solana:devnet"}, (422, "chain_unknown")),
        ({"recipient": "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"}, (422, "address_unfit")),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_owed(
    purse: Purse, sender: str, changes: dict[str, str], answer: tuple[int, str]
) -> None:
    """Also what the wallet could pay, but not with the largest fee on top."""
    body = {"chain": CHAIN, "sender": sender, "recipient": STRANGER, "amount_base_units": "1", "reason": "a test"}
    refused = purse.call("http_treasury.transfer", key="one", body=body | changes)

    assert code(refused) == answer
    assert purse.balance(sender) == 10 * ETHER
    assert purse.call("http_treasury.transfer_by_key", path="/v1/ops/treasury/transfers/one")[0] == 404


def test_the_whole_balance_less_the_largest_fee_can_be_sent(purse: Purse, sender: str) -> None:
    """To the last wei."""
    assert purse.send("one", CHAIN, sender, STRANGER, 10 * ETHER - RESERVE)[0] == 202
    assert purse.balance(sender) == 0


def test_a_post_that_moves_money_needs_a_key(purse: Purse, sender: str) -> None:
    """Or the caller could not repeat it safely."""
    event_headers = purse.call("http_treasury.transfer", key="")

    assert code(event_headers) == (400, "invalid_request")
    assert event_headers[1]["error"]["details"]["fields"][0]["field"] == "header.Idempotency-Key"


@pytest.mark.parametrize("key", [f"top-up:{CHAIN}:{STRANGER}:1", f"{CHAIN}:0x12:0x34:0:1"])
def test_nobody_takes_a_key_of_the_house(purse: Purse, sender: str, key: str) -> None:
    """A top-up or a forwarded deposit under the same key would wait for ever."""
    assert code(purse.send(key, CHAIN, sender, STRANGER, 1)) == (400, "invalid_request")


def test_a_statement_is_read_page_by_page(purse: Purse, sender: str) -> None:
    """Oldest first, each line with its balance; a wallet whose books are not open has none."""
    for number in range(3):
        purse.send(f"n{number}", CHAIN, sender, STRANGER, ETHER)
    unopened = purse.keep(CHAIN)
    purse.declare(CHAIN, unopened)
    path = f"/v1/ops/treasury/wallets/{CHAIN}/{sender}/statement"
    status, first = purse.call("http_treasury.statement", path=path)
    absent = purse.call("http_treasury.statement", path=path.replace(sender, unopened))

    paid = ETHER + RESERVE
    assert status == 200
    assert [int(line["amount_base_units"]) for line in first["lines"]] == [10 * ETHER, -paid, -paid, -paid]
    assert [int(line["balance_base_units"]) for line in first["lines"]][-1] == int(first["balance_base_units"])
    assert first["next_cursor"] is None
    assert code(absent) == (409, "wallet_not_open")


def test_a_service_is_halted_and_resumed_by_name(purse: Purse) -> None:
    """Each act with actor and reason; what runs cannot be resumed, and a third turn does not exist."""
    turns = [
        purse.call("http_treasury.halt", path=f"/v1/ops/services/bridge/{turn}")
        for turn in ("halt", "resume", "resume", "explode")
    ]

    assert [status for status, _ in turns] == [200, 200, 409, 400]
    assert (turns[0][1]["halted"], turns[1][1]["halted"]) == (True, False)
    assert turns[0][1]["reason"] == "prices look wrong"
    assert [act[1:] for act in acts(purse)] == [
        ("treasury.halt", "service:bridge"),
        ("treasury.resume", "service:bridge"),
    ]
    assert {act[0] for act in acts(purse)} == {turns[0][1]["actor"]}


def test_operators_see_what_is_halted_and_when_it_was(purse: Purse) -> None:
    """The halts in force, and one service's story, newest first."""
    for service, turn in [("bridge", "halt"), ("oracle", "halt"), ("bridge", "resume")]:
        purse.call("http_treasury.halt", path=f"/v1/ops/services/{service}/{turn}")
    _, halted = purse.call("http_treasury", role=Role.OPERATOR, path="/v1/ops/services")
    _, bridge = purse.call("http_treasury", role=Role.OPERATOR, path="/v1/ops/services/bridge")

    assert ["oracle"] == [turn["service"] for turn in halted["turns"]]
    assert [False, True] == [turn["halted"] for turn in bridge["turns"]]


def test_what_nobody_owes_is_not_withdrawn(purse: Purse) -> None:
    """And nothing is kept of it."""
    assert (404, "obligation_unknown") == code(purse.call("http_treasury.withdraw"))
    assert [] == acts(purse)


def test_while_the_treasury_is_halted_nothing_new_is_owed(purse: Purse, sender: str) -> None:
    """503 with the time to wait, and the wallet as it was."""
    purse.call("http_treasury.halt", path="/v1/ops/services/ops/halt")

    assert code(purse.send("one", CHAIN, sender, STRANGER, ETHER)) == (503, "service_halted")
    assert purse.balance(sender) == 10 * ETHER
