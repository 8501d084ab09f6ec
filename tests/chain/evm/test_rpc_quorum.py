"""Reads that move money: what several endpoints agree on, and what becomes of one that lies."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.evm.rpc import RpcPool, Standing
from kernel.jsonrpc.endpoint import RpcRefused, RpcUnavailable
from kernel.jsonrpc.quorum import NoQuorum
from kernel.testing import FakeClock
from tests.chain.evm.liar import Liar, ahead_by, always

pytestmark = pytest.mark.chain

ANYBODY = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BALANCE = ("eth_getBalance", [ANYBODY, "0x0"])

StartLiar = Callable[..., Liar]


def standing_of(pool: RpcPool, liar: Liar) -> Standing:
    return dict(pool.standings())[liar.name]


def test_two_that_agree_outvote_one_that_lies(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """The liar comes first in the order, and is neither believed nor read from for five minutes."""
    clock, liar = FakeClock(), start_liar(eth_getBalance=always("0x63"))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, clock)

    assert pool.balance_wei(ANYBODY) == 0x63  # a plain read believes the first
    assert pool.agreed(*BALANCE) == "0x0"
    assert standing_of(pool, liar) == Standing.DISTRUSTED
    assert pool.balance_wei(ANYBODY) == 0
    clock.advance(299)
    assert pool.balance_wei(ANYBODY) == 0
    clock.advance(6)
    assert pool.balance_wei(ANYBODY) == 0x63  # forgiven, and not better


def test_a_liar_still_receives_broadcasts(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """It may pass them on, and what it answers costs nothing."""
    liar = start_liar(eth_getBalance=always("0x63"))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())
    pool.agreed(*BALANCE)

    assert liar.name in {delivery.endpoint for delivery in pool.broadcast(b"\x02")}
    assert liar.calls["eth_sendRawTransaction"] == 1


def test_two_that_disagree_decide_nothing(anvil: AnvilNode, start_liar: StartLiar) -> None:
    """Who of two lies cannot be known: money waits."""
    liar = start_liar(eth_getBalance=always("0x63"))
    pool = RpcPool((anvil.url, liar.url), 31337, FakeClock())

    with pytest.raises(NoQuorum) as refused:
        pool.agreed(*BALANCE)
    assert refused.value.details["needed"] == 2
    assert liar.name in str(refused.value.details["answered"])
    assert standing_of(pool, liar) == Standing.ACTIVE


def test_nothing_is_an_answer(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """Two know no such transaction; one that claims it is in doubt, and after the third time a liar."""
    liar = start_liar(eth_getTransactionByHash=always({"hash": "0x01"}))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())
    standings = []
    for _ in range(3):
        assert pool.agreed("eth_getTransactionByHash", ["0x" + "11" * 32]) is None
        standings.append(standing_of(pool, liar))

    assert standings == [Standing.ACTIVE, Standing.ACTIVE, Standing.DISTRUSTED]


def test_an_answer_of_another_shape_is_no_vote(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """What cannot be compared is left out, and fails nobody else's question."""
    broken = start_liar(eth_getBalance=always(["bad day"]))
    pool = RpcPool((broken.url, *fault_proxy.urls), 31337, FakeClock())

    assert pool.agreed(*BALANCE, by=lambda balance: int(balance, 16)) == "0x0"


@pytest.mark.parametrize(
    ("method", "ask"),
    [
        ("eth_getBalance", lambda pool: pool.balance_wei(ANYBODY)),
        ("eth_getTransactionCount", lambda pool: pool.nonce(ANYBODY)),
        ("eth_call", lambda pool: pool.contract_call(ANYBODY, b"")),
        ("eth_getTransactionReceipt", lambda pool: pool.receipt(bytes(32))),
        ("eth_getLogs", lambda pool: pool.logs((ANYBODY,), (), from_block=0, to_block=0)),
    ],
)
def test_an_answer_of_another_shape_is_asked_of_the_next(
    fault_proxy: FaultProxy, start_liar: StartLiar, method: str, ask: Callable[[RpcPool], Any]
) -> None:
    """A plain read believes the first that can be read, and not only the first."""
    broken = start_liar(**{method: always({"bad": "day"})})
    pool = RpcPool((broken.url, *fault_proxy.urls), 31337, FakeClock())

    assert ask(RpcPool(fault_proxy.urls, 31337, FakeClock())) == ask(pool)


def test_several_answers_must_agree_as_a_whole(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """One round trip each; the answers come from one endpoint of those that agree."""
    liar = start_liar(eth_getTransactionCount=always("0x9"))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())

    assert pool.agreed_batch([BALANCE, ("eth_getTransactionCount", [ANYBODY, "0x0"])]) == ["0x0", "0x0"]
    assert standing_of(pool, liar) == Standing.DISTRUSTED


def test_the_chains_own_refusal_is_agreed_upon(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """A revert everywhere is raised as the revert it is."""
    anvil.rpc("anvil_setCode", ANYBODY, "0x60006000fd")
    pool = RpcPool(fault_proxy.urls, 31337, FakeClock())

    with pytest.raises(RpcRefused, match="understood"):
        pool.agreed("eth_call", [{"to": ANYBODY}, "latest"])


def test_when_all_refuse_their_words_come_out(fault_proxy: FaultProxy) -> None:
    """As a node without history does: the caller knows what that means."""
    pool = RpcPool(fault_proxy.urls, 31337, FakeClock())
    pool.head()
    fault_proxy.inject(failure="rpc_error", methods=("eth_getBalance",))

    with pytest.raises(RpcRefused) as refused:
        pool.agreed(*BALANCE)
    assert "injected" in refused.value.words


def test_an_invented_head_makes_nobody_stale(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """A million blocks ahead of two that agree: it is left out, and they are read from."""
    liar = start_liar(eth_getBlockByNumber=ahead_by(10**6))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())

    assert pool.head().number == 0
    assert [standing for _, standing in pool.standings()] == [Standing.DISTRUSTED, Standing.ACTIVE, Standing.ACTIVE]


def test_of_two_the_one_with_an_impossible_lead_is_left_out(anvil: AnvilNode, start_liar: StartLiar) -> None:
    """A thousand blocks in no time: no chain is that fast, and the honest one alone goes on."""
    liar = start_liar(eth_getBlockByNumber=ahead_by(1_000))
    pool = RpcPool((liar.url, anvil.url), 31337, FakeClock())

    assert pool.head().number == 0
    assert standing_of(pool, liar) == Standing.DISTRUSTED
    assert pool.agreed(*BALANCE) == "0x0"


def test_money_waits_for_an_endpoint_that_is_away_and_not_for_one_that_is_gone(
    fault_proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten seconds of silence are a hiccup; after them the other endpoint alone is believed, with an alarm."""
    clock = FakeClock()
    pool = RpcPool(fault_proxy.urls, 31337, clock)
    pool.head()
    fault_proxy["secondary"].inject(outage=True)
    for _ in range(2):
        with pytest.raises(NoQuorum):
            pool.agreed(*BALANCE)
        clock.advance(5)
    clock.advance(1)
    with caplog.at_level(logging.ERROR):
        assert pool.agreed(*BALANCE) == "0x0"
        assert pool.agreed(*BALANCE) == "0x0"

    assert [record.alarm for record in caplog.records] == ["rpc.quorum_reduced"]  # type: ignore[attr-defined]  # an extra of ours
    with pytest.raises(NoQuorum):
        pool.agreed(*BALANCE, quorum=2)  # what the caller names is never reduced
    fault_proxy.heal()
    clock.advance(6)
    assert pool.agreed(*BALANCE, quorum=2) == "0x0"
    assert pool.needed() == 2


def test_a_head_that_stands_still_is_gone_and_one_that_follows_is_not(
    anvil: AnvilNode, fault_proxy: FaultProxy, start_liar: StartLiar
) -> None:
    """A stuck provider does not hold money up; one that lags but moves may know better than the one that leads."""
    clock, stuck = FakeClock(), fault_proxy["secondary"]
    anvil.mine(20)
    pool = RpcPool(fault_proxy.urls, 31337, clock)
    stuck.inject(stale_head=1)
    pool.head()
    for height in (2, 3, 4):
        stuck.inject(stale_head=height)
        clock.advance(6)
        with pytest.raises(NoQuorum):
            pool.agreed(*BALANCE)
    for _ in range(2):
        clock.advance(6)
        pool.head()

    assert pool.agreed(*BALANCE) == "0x0"


def test_a_named_quorum_waits_for_ever(fault_proxy: FaultProxy) -> None:
    """Who configures a number means it."""
    clock = FakeClock()
    pool = RpcPool(fault_proxy.urls, 31337, clock, quorum=2)
    fault_proxy["secondary"].inject(outage=True)
    for _ in range(3):
        with pytest.raises(NoQuorum):
            pool.agreed(*BALANCE)
        clock.advance(60)

    with pytest.raises(ValueError, match="quorum of 3"):
        RpcPool(fault_proxy.urls, 31337, quorum=3)


def test_the_next_nonce_is_not_ruined_by_one_that_exaggerates(fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """The highest count that two endpoints reach; with one voice left, its word."""
    liar = start_liar(eth_getTransactionCount=always("0x3b9aca00"))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())

    assert pool.nonce_claimed(ANYBODY) == 0
    fault_proxy.inject(failure="http_500", methods=("eth_getTransactionCount",))
    assert pool.nonce_claimed(ANYBODY) == 10**9


def test_a_floor_is_what_a_quorum_reaches(anvil: AnvilNode, fault_proxy: FaultProxy, start_liar: StartLiar) -> None:
    """Heights differ by a block or two among honest nodes; an exaggeration changes nothing."""
    anvil.mine(4)
    fault_proxy["primary"].inject(stale_head=3)
    liar = start_liar(eth_blockNumber=always("0xffff"))
    pool = RpcPool((liar.url, *fault_proxy.urls), 31337, FakeClock())

    def height(number: str) -> int:
        return int(number, 16)

    assert pool.agreed_floor("eth_blockNumber", [], by=height) == 4
    assert pool.agreed_floor("eth_blockNumber", [], by=height, quorum=3) == 3
    fault_proxy["secondary"].inject(failure="rpc_error", methods=("eth_blockNumber",))
    with pytest.raises(NoQuorum):
        pool.agreed_floor("eth_blockNumber", [], by=height, quorum=3)


class Remembering:
    """A kernel.jsonrpc.roster.Health that keeps what it is told."""

    def __init__(self, *unusable: str) -> None:
        self.unusable, self.told = unusable, list[tuple[Any, ...]]()

    def usable(self, dependency: str) -> bool:
        return dependency not in self.unusable

    def succeeded(self, dependency: str) -> None:
        self.told.append((dependency,))

    def failed(self, dependency: str, reason: str) -> None:
        self.told.append((dependency, reason))


def test_an_endpoint_whose_circuit_is_open_is_not_read_from(fault_proxy: FaultProxy) -> None:
    """Other containers found it broken; when all circuits are open, a broken one is better than none."""
    first, second = (url.removeprefix("http://") for url in fault_proxy.urls)
    pool = RpcPool(fault_proxy.urls, 31337, FakeClock(), health=Remembering(f"rpc:evm:31337:{first}"))
    pool.balance_wei(ANYBODY)

    assert fault_proxy["primary"].calls()["eth_getBalance"] == 0
    both = Remembering(f"rpc:evm:31337:{first}", f"rpc:evm:31337:{second}")
    assert RpcPool(fault_proxy.urls, 31337, FakeClock(), health=both).balance_wei(ANYBODY) == 0


def test_an_endpoint_whose_circuit_is_open_still_has_its_vote(fault_proxy: FaultProxy) -> None:
    """Its head is fresh: without it the other one's word about money would have no second."""
    first = fault_proxy.urls[0].removeprefix("http://")
    pool = RpcPool(fault_proxy.urls, 31337, FakeClock(), health=Remembering(f"rpc:evm:31337:{first}"))

    assert pool.agreed(*BALANCE) == "0x0"
    assert pool.needed() == 2


def test_health_is_told_of_every_failure_and_of_each_comparison_that_went_well(fault_proxy: FaultProxy) -> None:
    """Once in a comparison, not at each call: a success is no news."""
    first, second = (f"rpc:evm:31337:{url.removeprefix('http://')}" for url in fault_proxy.urls)
    health = Remembering()
    pool = RpcPool(fault_proxy.urls, 31337, FakeClock(), health=health)
    pool.balance_wei(ANYBODY)
    pool.balance_wei(ANYBODY)
    fault_proxy["primary"].inject(failure="http_500")
    pool.balance_wei(ANYBODY)

    assert health.told == [(first,), (second,), (first, "EndpointUnavailable")]


def test_health_is_told_of_who_is_silent_from_the_start(fault_proxy: FaultProxy) -> None:
    """It never named its chain, so the pool cannot read from it anyway; other containers need not find that out."""
    first, second = (f"rpc:evm:31337:{url.removeprefix('http://')}" for url in fault_proxy.urls)
    health = Remembering()
    fault_proxy["primary"].inject(outage=True)
    RpcPool(fault_proxy.urls, 31337, FakeClock(), health=health).balance_wei(ANYBODY)
    fault_proxy["secondary"].inject(outage=True)
    with pytest.raises(RpcUnavailable):
        RpcPool(fault_proxy.urls, 31337, FakeClock(), health=health).balance_wei(ANYBODY)

    assert health.told[:2] == [(first, "no chain id"), (second,)]
    assert sorted(health.told[2:]) == [(one, "no chain id") for one in sorted((first, second))]
