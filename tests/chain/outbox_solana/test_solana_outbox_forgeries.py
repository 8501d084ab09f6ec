"""Answers that no honest node of Solana gives: the entry goes right all the same, once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from kernel.outbox.solana import State
from kernel.tasks import Retry
from tests.chain.evm.liar import Instead, Liar, always
from tests.chain.outbox_solana.desk import Desk, SwallowingPool

pytestmark = pytest.mark.chain


@pytest.fixture
def start_solana_liar(desk: Desk) -> Iterator[Callable[..., Liar]]:
    """Start endpoints of the desk's chain that lie as told, `method=lie`."""
    liars: list[Liar] = []

    def start(**lies: Any) -> Liar:
        liars.append(Liar(desk.node.url, **lies))
        return liars[-1]

    yield start
    for liar in liars:
        liar.close()


def hash_of_nothing(_params: list[Any], told: Any) -> Any:
    return {**told, "value": {**told["value"], "blockhash": "0"}}


def no_heads(params: list[Any], told: Any) -> Any:
    """The block height that is processed is a secret."""
    if params[0]["commitment"] != "processed":
        return told
    return Instead({"error": {"code": -32000, "message": "not today"}})


def dead_at_once(_params: list[Any], told: Any) -> Any:
    return {**told, "value": {**told["value"], "lastValidBlockHeight": 1}}


@pytest.mark.parametrize(
    "lies",
    [
        {"getLatestBlockhash": hash_of_nothing},
        {"getLatestBlockhash": always(None)},
        {"getSignatureStatuses": always([])},
        {"getSignatureStatuses": always({"context": {"slot": 1}, "value": [{"slot": "?"}]})},
    ],
    ids=["no hash", "no answer", "no statuses", "no status"],
)
def test_who_answers_in_another_shape_is_passed_over(
    desk: Desk, start_solana_liar: Callable[..., Liar], lies: dict[str, Any]
) -> None:
    """It comes first in the order: the next one is asked, and the task neither fails nor ends."""
    desk = replace(desk, urls=(start_solana_liar(**lies).url, desk.node.url, start_solana_liar().url))
    desk.record("pay-1")
    desk.step("pay-1")
    desk.node.mine()

    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, desk.effects("pay-1"), len(entry.payloads))
    assert desk.tasks.about("pay-1")[0].attempt == 1


def test_nothing_is_signed_that_one_endpoint_alone_calls_dead(
    desk: Desk, start_solana_liar: Callable[..., Liar]
) -> None:
    """It says that the bytes can land up to block one only, and nobody tells how high the chain is: sign later."""
    liars = [start_solana_liar(getLatestBlockhash=dead_at_once, getBlockHeight=no_heads) for _ in range(2)]
    desk = replace(desk, urls=tuple(liar.url for liar in liars))
    desk.record("pay-1")
    outcome = desk.step("pay-1")

    assert isinstance(outcome, Retry)
    assert (desk.entry("pay-1").payloads, desk.tasks.about("pay-1")[0].attempt) == ((), 0)
    for liar in liars:
        liar.lies.clear()
    desk.step("pay-1")
    desk.node.mine()
    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, desk.effects("pay-1"), len(entry.payloads))


def failed(_params: list[Any], told: Any) -> Any:
    return told and {**told, "meta": {**told["meta"], "err": "AccountInUse"}}


def test_no_failure_on_the_word_of_the_last_endpoint_that_is_left(
    desk: Desk, start_solana_liar: Callable[..., Liar]
) -> None:
    """It says that the payment failed, and who is told so pays again: that waits for a second endpoint."""
    liar, other = start_solana_liar(), start_solana_liar()
    desk = replace(desk, urls=(liar.url, other.url))
    desk.record("pay-1")
    outbox = desk.outbox()
    desk.step("pay-1", outbox)
    desk.node.mine(40)
    liar.lies["getTransaction"] = failed
    away = Instead({"error": {"code": -32005, "message": "Node is behind"}})
    other.lies = dict.fromkeys(("getSlot", "getBlockHeight", "getSignatureStatuses", "getTransaction"), away)
    for _ in range(6):
        desk.clock.advance(60.0)
        outcome = desk.step("pay-1", outbox)

    assert isinstance(outcome, Retry)
    liar.lies, other.lies = {}, {}
    desk.node.mine(40)
    assert (State.CONFIRMED, 1) == (desk.settle("pay-1").state, desk.effects("pay-1"))


def test_a_height_that_was_a_lie_brings_no_second_signature_while_the_blockhash_lives(desk: Desk) -> None:
    """Whoever was alone when the bytes were signed may have named too low a last height; the blockhash itself says."""
    desk.record("pay-1")
    desk.step("pay-1", desk.outbox(pool=SwallowingPool(desk.urls, "localnet", desk.clock)))
    with psycopg.connect(desk.database_url) as owner:
        owner.execute("update kernel.solana_payloads set last_valid_block_height = 1")
    desk.node.mine(40)
    desk.step("pay-1")
    (kept,) = desk.entry("pay-1").payloads
    desk.pool().broadcast(kept.raw)
    desk.node.mine()

    entry = desk.settle("pay-1")
    assert (State.CONFIRMED, 1, 1) == (entry.state, desk.effects("pay-1"), len(entry.payloads))
