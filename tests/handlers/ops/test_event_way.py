"""From a provider's letter to money that moved: the intake, the task, the transaction; and every letter that lies."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.notices import Alchemy
from infra.local.notifier import Disorder, EvmFollower
from infra.local.webhooks import NETWORK
from kernel.testing import InMemorySecrets
from tests.handlers.ops.counter import COLD, Counter, purse_of
from tests.handlers.ops.postbox import Postbox
from tests.handlers.ops.purse import ETHER, Purse, on_chain

pytestmark = pytest.mark.chain
ALCHEMY = Alchemy(key="alchemy-key", network=NETWORK)


@dataclass
class Intake(Postbox):
    """The intake of a purse's deployment."""

    purse: Purse | None = None

    def __post_init__(self) -> None:
        assert self.purse is not None
        self.clock = self.purse.clock
        super().__post_init__()
        self.kernel.secrets = InMemorySecrets({"ssm:alchemy": ALCHEMY.key})


@pytest.fixture
def purse(anvil: AnvilNode, database_url: str) -> Iterator[Purse]:
    purse = purse_of(anvil, database_url)
    yield purse
    purse.close()


@pytest.fixture
def counter(anvil: AnvilNode, purse: Purse) -> Counter:
    counter = Counter(anvil, purse)
    counter.open()
    return counter


@pytest.fixture
def intake(purse: Purse, database_url: str, anvil: AnvilNode) -> Iterator[Intake]:
    hook: dict[str, Any] = {"provider": "alchemy", "secret": "ssm:alchemy", "networks": {NETWORK: anvil.chain_id}}
    intake = Intake(database_url, (hook,), purse=purse)
    yield intake
    intake.close()


def test_genuine_letters_in_any_disorder_move_each_payment_once(
    counter: Counter, purse: Purse, intake: Intake, anvil: AnvilNode
) -> None:
    """Doubled and overtaken, with a fork that drops a payment and one that keeps it in another block."""
    follower = EvmFollower(anvil, ALCHEMY, addresses=[counter.box], start_block=anvil.block_number() + 1)
    before, letters = on_chain(anvil, COLD), []
    for number in range(6):
        counter.pay(ETHER + number)
        letters += follower.news()
    kept = {"from": anvil.rpc("eth_accounts")[0], "to": counter.box, "value": hex(ETHER + 4), "gas": hex(100_000)}
    anvil.rpc("anvil_reorg", 2, [[kept, 0]])
    letters += follower.news()
    statuses = intake.post_all(Disorder(duplicates=0.5, reorders=0.5).applied(letters, random.Random(7)))
    counter.run()

    assert statuses == {200}
    assert on_chain(anvil, COLD) - before == 5 * ETHER + sum(range(5))
    assert sorted(counter.ends().values()) == ["done"] * 5 + ["skipped"] * 4
    assert counter.check() == "balanced"


def test_forged_letters_leave_no_trace(counter: Counter, intake: Intake, anvil: AnvilNode) -> None:
    """Changed on the way, signed by another secret, of another chain, about a contract that nobody watches."""
    begin = anvil.block_number() + 1
    senders = (ALCHEMY, Alchemy(key="another", network=NETWORK), Alchemy(key=ALCHEMY.key, network="ETH_MAINNET"))
    other = counter.deploy(counter.wallet)
    counter.send({"to": other, "value": hex(ETHER)})
    counter.pay(ETHER)
    inlet, elsewhere = ([counter.box], [other])
    genuine, foreign, unknown = (
        EvmFollower(anvil, sender, addresses=inlet, start_block=begin).news() for sender in senders
    )
    unwatched = EvmFollower(anvil, ALCHEMY, addresses=elsewhere, start_block=begin).news()
    letters = [*(one.forged() for one in genuine), *foreign, *unknown, *unwatched]
    answers = [intake.post(one)[0] for one in letters]

    assert answers == [401, 401, 200, 200]
    assert counter.ends() == {}
