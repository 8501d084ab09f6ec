"""queue_submit_transaction: one recorded transaction goes onto the chain, once, whatever happens to messages."""

import pytest

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_submit_transaction import handler
from infra.local.demo.sightings import Bystander
from infra.local.fault_proxy import FaultProxy
from kernel.breaker import Breakers, State
from kernel.postgres import Postgres
from kernel.treasury.switch import KillSwitch
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event
from tests.handlers.oracle.whole_round import Stocked, key

pytestmark = pytest.mark.handlers


def planned(stage: Stage, stocked: Stocked, **settings: str) -> Provider:
    """A provider with fresh prices at the moment of its commit."""
    provider = stage.provider(**settings)
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(stage.first_round, 3)
    stocked(provider)
    return provider


def recorded(stage: Stage, stocked: Stocked, **settings: str) -> tuple[Provider, str]:
    """A provider whose commit is recorded and not yet sent; its transaction's key."""
    number = stage.first_round
    provider = planned(stage, stocked, **settings)
    provider.run(commit, "oracle.commit", key(number))
    return provider, provider.deps.intents.business_key("commit", number)


def switch_of(provider: Provider) -> KillSwitch:
    """The kill switch in the hands of the ops slice."""
    clock = provider.deps.clock
    return KillSwitch(Postgres(provider.database_url, clock, role="counterpart_ops"), clock)


def test_a_transaction_is_confirmed_and_its_task_ends(stage: Stage, stocked: Stocked) -> None:
    """One look sends, the next one finds it final."""
    provider, business_key = recorded(stage, stocked)
    provider.run(handler, "oracle.submit_transaction", business_key)
    stage.clock.advance(1)

    task = provider.run(handler, "oracle.submit_transaction", business_key)

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert (task.state, str(entry.state)) == ("done", "confirmed")


def test_a_commit_that_is_too_late_is_never_sent(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """Its nonce is used by a cancellation, so that the reveal of the next round is not held up."""
    provider, business_key = recorded(stage, stocked)
    stage.at(stage.first_round, 0)

    provider.run(handler, "oracle.submit_transaction", business_key)
    stage.clock.advance(1)
    provider.run(handler, "oracle.submit_transaction", business_key)
    bystander.look()

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert (str(entry.state), bystander.sightings) == ("cancelled", [])


def test_a_halted_oracle_owes_nothing_new(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """A commit is neither kept nor leased a nonce: its task is tried again, as long as the round lasts."""
    number = stage.first_round
    provider = planned(stage, stocked)
    switch_of(provider).halt("oracle", "an operator", "a drill")

    task = provider.run(commit, "oracle.commit", key(number))
    provider.submit_all(handler)
    bystander.look()

    assert (task.state, task.error_code) == ("ready", "service_halted")
    assert provider.one("select count(*) as n from kernel.evm_outbox")["n"] == 0
    assert (provider.deps.rounds.submission(number), bystander.sightings) == (None, [])


def test_a_halted_oracle_signs_nothing(stage: Stage, stocked: Stocked, bystander: Bystander) -> None:
    """What was recorded before the halt has no bytes that could be sent, and is looked at again after half a minute."""
    provider, business_key = recorded(stage, stocked)
    switch_of(provider).halt("oracle", "an operator", "a drill")

    task = provider.run(handler, "oracle.submit_transaction", business_key)
    bystander.look()

    entry = provider.deps.outbox.entry(business_key)
    assert entry is not None
    assert (entry.payloads, bystander.sightings) == ((), [])
    assert (task.state, (task.run_at - stage.clock.now()).total_seconds()) == ("ready", 30)


def test_an_endpoint_that_is_down_is_everybodys_knowledge(
    stage: Stage, stocked: Stocked, fault_proxy: FaultProxy
) -> None:
    """Its failures open the circuit for every container of the bundle, and the other endpoint carries the commit."""
    provider, business_key = recorded(stage, stocked, rpc_urls=f"plain:{','.join(fault_proxy.urls)}")
    fault_proxy["primary"].inject(outage=True)
    provider.run(handler, "oracle.submit_transaction", business_key)
    for _ in range(3):
        stage.clock.advance(6)  # a survey counts for five seconds
        provider.deps.pool.check()

    elsewhere = Breakers(Postgres(provider.database_url, stage.clock, role="counterpart_ops"), clock=stage.clock)
    entry = provider.deps.outbox.entry(business_key)
    hosts = [url.removeprefix("http://") for url in fault_proxy.urls]
    assert elsewhere.condition(f"rpc:evm:31337:{hosts[0]}").state == State.CIRCUIT_OPEN
    assert elsewhere.condition(f"rpc:evm:31337:{hosts[1]}").state == State.ACTIVE
    assert entry is not None
    assert str(entry.state) == "broadcast"
