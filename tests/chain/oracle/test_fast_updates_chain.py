"""Fast updates on the chain: the steps are those of the core, and what they earn is part of the rewards."""

import random
from collections.abc import Callable

import pytest

from functions.oracle.core.fast_updates import encode_deltas, updated
from infra.local.flare import fast_updates
from infra.local.flare.reading import read
from infra.local.flare.transactions import TransactionReverted
from tests.chain.oracle.reward_scene import CENTRES, RewardScene, tick, work
from tests.chain.oracle.voting import mine

pytestmark = pytest.mark.chain

#: As the feeds' medians will stand, with five decimals more.
NEAR = [(centre * 10**5, decimals + 5) for centre, decimals in zip(CENTRES, (2, 3, 5), strict=True)]
OFFERED_WEI = 10**18 + 3
SHARES = "select updating_wei, updates, all_updates from oracle.reward_shares where reward_epoch = 2 order by position"


def test_the_chain_moves_feeds_as_the_core_does(scene: Callable[..., RewardScene]) -> None:
    """Random steps of several voters, rounded down each time; a stranger's signature is refused."""
    stage, dice = scene(), random.Random(7)
    contracts, governance, voters = stage.network.contracts, stage.network.governance, stage.network.voters
    values = [dice.randrange(1, 2**32) for _ in range(7)]
    mine(stage.network, list(fast_updates.state_values(contracts, governance, [(value, 5) for value in values])))
    scale = read(stage.network, "FastUpdater", "SCALE")

    for turn in range(12):
        steps = [dice.choice((-1, 0, 1)) for _ in values]
        mine(stage.network, list(fast_updates.update(contracts, voters[turn % 4], encode_deltas(steps))))
        values = updated(values, steps, scale)

    assert (tuple(values), (5,) * 7) == read(stage.network, "FastUpdater", "currentFeeds")
    with pytest.raises(TransactionReverted, match="SignatureInvalid"):
        stranger = voters[0].__class__(
            name="stranger",
            identity=governance,
            submit=governance,
            submit_signatures=voters[0].submit_signatures,
            signing_policy=governance,
            vote_power_wei=0,
        )
        mine(stage.network, list(fast_updates.update(contracts, stranger, encode_deltas([1]))))


def test_updates_earn_their_part_of_the_rewards(scene: Callable[..., RewardScene]) -> None:
    """One voter has all the weight; two update twice; the root with their shares is the chain's."""
    stage = scene(vote_power_wei=(10**24, 10**22, 10**22, 10**22))
    network, contracts = stage.network, stage.network.contracts
    bands = {feed.id: 50_000 for feed in network.inflation_feeds}

    def begin() -> None:
        """What is offered for the second reward epoch, beside the rest."""
        stage.enter(2)
        offer = fast_updates.offer_updates(
            contracts, network.governance, reward_epoch=2, bands_ppm=bands, amount_wei=OFFERED_WEI
        )
        mine(network, [*fast_updates.state_values(contracts, network.governance, NEAR), *offer])

    def move(*positions: int) -> None:
        deltas = encode_deltas([1, -1, 0])
        told = list(fast_updates.tell_values(contracts, network.governance))
        mine(
            network,
            told + [one for at in positions for one in fast_updates.update(contracts, network.voters[at], deltas)],
        )

    def turn() -> None:
        """The third reward epoch is prepared while nobody updates."""
        move()
        stage.enter(3)

    moves = {8: lambda: move(0, 1), 9: lambda: move(0), 10: turn, 11: lambda: move(1), 12: move, 13: move}
    stage.ballot().play(7, 12, {7: begin, **moves})
    stage.at(14, 5)
    provider = stage.provider()
    tick(provider)
    work(provider, "oracle.record_round")
    work(provider, "oracle.sign_rewards", turns=3)
    work(provider, "oracle.sign_rewards", pause_s=16, turns=2)

    epoch = provider.deps.rewards.store.epoch(2)
    assert epoch is not None
    with provider.kernel.postgres.transaction() as tx:
        shares = tx.all(SHARES)
    root, part = read(network, "FlareSystemsManager", "rewardsHash", 2), OFFERED_WEI // 4
    assert ("accepted", root) == (epoch.state, epoch.rewards_root)
    assert network.rules.inflation_wei + OFFERED_WEI == epoch.offered_wei
    assert [(2, 4), (2, 4), (0, 4), (0, 4)] == [(row["updates"], row["all_updates"]) for row in shares]
    # Two share the first round's part, which is a unit larger, as the second round's is; nobody moved in the third.
    assert [part // 2 + 1 + part + 1, part // 2 + part, 0, 0] == [int(row["updating_wei"]) for row in shares]
