"""GET /metrics: read by Prometheus' own parser; computed from the tables, and without a label that grows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from functions.ops.core.exposition import CONTENT_TYPE
from functions.ops.http_metrics import handler
from functions.ops.wiring import ROLE, Deps
from kernel.auth import Role, Tier
from kernel.breaker import State
from kernel.errors import Broken, Transient
from kernel.tasks import Done, TaskSpec
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.handlers.ops.purse import Context, event

pytestmark = pytest.mark.handlers
ORDERS = """
    insert into bridge.orders (origin, order_id, generation, recipient, amount_wei, fee_wei, block_number, block_hash,
                               transaction_hash, state, is_failed, is_parked, close_block, seen_at, moved_at)
    select origin, id, 1, 1, 1, 1, 1, '', '', state, parked, parked, block, now(), now()
    from (values ('zksync', 1, 'pending', false, null), ('zksync', 2, 'pending', true, null),
                 ('starknet', 1, 'proved', false, null), ('zksync', 3, 'completed', false, 9))
        as told (origin, id, state, parked, block)
"""

PHASES = ("commit", "reveal", "sign", "finalise")
#: One feed's two prices; three rounds of ours, one of them yesterday's; two venues; a fault of ours and another's.
ORACLE = (
    "insert into oracle.feeds values (1, 0, decode('01' || repeat('00', 20), 'hex'), 'BTC/USD', 2)",
    """
    insert into oracle.aggregates (voting_round, symbol, decided_at, window_start, consensus, confidence, sources,
                                   left_out, flagged)
    select round, 'BTC/USD', now() - make_interval(secs => age_s), now(), 1000, 2, '{"a": [], "b": [], "c": []}', '{}',
        false
    from (values (8, 120), (9, 30)) told (round, age_s)
    """,
    """
    insert into oracle.submissions (voting_round, submitter, commit_hash, sealed, committed_at, revealed_at)
    select round, '0x', decode(repeat('00', 32), 'hex'), '', now() - make_interval(secs => age_s), revealed_at
    from (values (1, 90000, now()), (8, 120, now()), (9, 30, null)) told (round, age_s, revealed_at)
    """,
    """
    insert into oracle.venue_reports (collected_at, venue, outcome, points, latency_ms)
    select now() - make_interval(secs => age_s), venue, outcome, 0, 1
    from (values ('okx', 'ok', 20), ('okx', 'ok', 40), ('gate', 'timeout', 20), ('gate', 'ok', 40),
                 ('kraken', 'ok', 4000)) told (venue, outcome, age_s)
    """,
    """
    insert into oracle.observed_rounds (voting_round, reward_epoch, faulty_weight_bips, our_deviations_ppm,
                                        read_at_block, observed_at)
    values (1000, 1, 0, '{}', 1, now())
    """,
    """
    insert into oracle.faults (voting_round, submit_address, fault, is_ours, reward_epoch)
    values (999, 'us', 'late_reveal', true, 1), (999, 'them', 'late_reveal', false, 1),
        (39, 'us', 'late_reveal', true, 1)
    """,
)
MISSED = """
    insert into kernel.tasks (id, kind, business_key, payload, state, run_at, finished_at, attempts_max, sweep_at,
                              created_at, changed_at)
    select gen_random_uuid(), 'oracle.' || phase, phase || age_s, '{}', state, now(),
        now() - make_interval(secs => age_s), 1, now(), now(), now()
    from (values ('reveal', 'skipped', 60), ('finalise', 'parked', 60), ('commit', 'done', 60),
                 ('sign', 'skipped', 4000)) told (phase, state, age_s)
"""

Values = dict[str, dict[tuple[tuple[str, str], ...], float]]


class NodeAway(Transient):
    """The node is away."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kernel(database_url: str, clock: FakeClock) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    yield kernel
    kernel.close()


def call(kernel: FakedKernel, role: Role = Role.OPERATOR) -> dict[str, Any]:
    key = kernel.api_keys.issue(tier=Tier.INTERNAL, role=role, label="a scraper", actor="a test").key
    sent = event("http_metrics")
    sent["headers"]["x-api-key"] = key
    answer: dict[str, Any] = handler.bind(Deps(kernel))(sent, Context())
    return answer


def by_phase(values: dict[tuple[tuple[str, str], ...], float]) -> dict[str, float]:
    """A gauge's values by the phase in its one label."""
    return {phase: value for ((_, phase),), value in values.items()}


def scraped(kernel: FakedKernel) -> Values:
    """What Prometheus reads: family -> labels -> value."""
    answer = call(kernel)
    assert (200, CONTENT_TYPE) == (answer["statusCode"], answer["headers"]["content-type"])
    found: Values = {}
    for family in text_string_to_metric_families(answer["body"]):
        assert "gauge" == family.type
        assert family.documentation
        values = {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        assert len(values) == len(family.samples), f"{family.name} tells a value twice"
        found[family.name.removeprefix("counterpart_")] = values
    return found


def enqueue(kernel: FakedKernel, kind: str, *keys: str, in_s: float = 0.0) -> list[Any]:
    run_at = kernel.clock.now() + timedelta(seconds=in_s)
    return kernel.tasks.enqueue([TaskSpec(kind=kind, business_key=key, payload={}, run_at=run_at) for key in keys])


def test_an_empty_house_is_told_as_empty(kernel: FakedKernel) -> None:
    """Every family is there for a reader to know of, and nothing is made up."""
    found = scraped(kernel)

    assert {} == found["tasks_open"] == found["outbox_open"] == found["alarms"] == found["dependency_state"]
    assert {(): 0.0} == found["webhooks_pending"] == found["prices"]
    assert (
        {labels(phase=phase): 0.0 for phase in PHASES} == found["oracle_rounds_1h"] == found["oracle_rounds_missed_1h"]
    )
    assert {} == found["oracle_price_age_seconds"] == found["oracle_venue_up"] == found["oracle_commit_age_seconds"]
    assert 37 == len(found)


def test_tasks_are_counted_by_kind_and_state(kernel: FakedKernel, clock: FakeClock) -> None:
    """With how long the oldest has been due: one whose time is to come is not late."""
    first, _ = enqueue(kernel, "ops.check_wallet", "one", "two")
    enqueue(kernel, "oracle.commit", "later", in_s=600)
    (broken,) = enqueue(kernel, "oracle.reveal", "broken")
    clock.advance(90)
    kernel.tasks.claim(first, "w", 30)
    task = kernel.tasks.claim(broken, "w", 30)
    kernel.tasks.finish(task.fence, Broken())  # type: ignore[union-attr]  # it is due, so it is claimed
    (done,) = enqueue(kernel, "oracle.sign", "done")
    kernel.tasks.finish(kernel.tasks.claim(done, "w", 30).fence, Done())  # type: ignore[union-attr]  # it is due, so it is claimed
    clock.advance(10)
    found = scraped(kernel)

    ready, leased = labels(kind="ops.check_wallet", state="ready"), labels(kind="ops.check_wallet", state="leased")
    waiting = labels(kind="oracle.commit", state="ready")
    assert {ready: 1.0, leased: 1.0, waiting: 1.0} == found["tasks_open"]
    assert {ready: 100.0, leased: 100.0, waiting: 0.0} == found["tasks_overdue_seconds"]
    assert {labels(kind="oracle.reveal"): 1.0} == found["tasks_parked"]
    assert {labels(kind="oracle.reveal"): 10.0} == found["tasks_parked_seconds"]
    assert {labels(kind="oracle.sign", state="done"): 1.0} == found["tasks_ended_5m"]


def test_what_ended_long_ago_is_not_recent(kernel: FakedKernel, clock: FakeClock) -> None:
    """Five minutes, to the end."""
    (done,) = enqueue(kernel, "oracle.sign", "done")
    kernel.tasks.finish(kernel.tasks.claim(done, "w", 30).fence, Done())  # type: ignore[union-attr]  # it is due, so it is claimed
    clock.advance(299)
    recent = scraped(kernel)["tasks_ended_5m"]
    clock.advance(1)

    assert (1, 0) == (len(recent), len(scraped(kernel)["tasks_ended_5m"]))


def test_obligations_dead_letters_and_alarms_are_told(kernel: FakedKernel, clock: FakeClock) -> None:
    """By chain, service and state; an alarm under the name that the log gives it."""
    with kernel.postgres.transaction() as tx:
        tx.execute(ENTRIES, now=clock.now(), signer="0x" + "11" * 20)
        tx.execute(LETTER, now=clock.now())
        tx.execute(SWITCHES, now=clock.now())
    clock.advance(60)
    found = scraped(kernel)

    ours = labels(chain="evm:1", service="bridge", state="recorded")
    assert ({ours: 2.0}, {ours: 60.0}) == (found["outbox_open"], found["outbox_open_seconds"])
    assert {labels(verdict="parked"): 1.0} == found["dead_letters"]
    assert {labels(alarm="outbox.stuck"): 1.0} == found["alarms"]
    assert {labels(service="bridge"): 0.0, labels(service="oracle"): 1.0} == found["service_halted"]


def test_orders_of_the_bridge_are_told_by_network_and_state(kernel: FakedKernel) -> None:
    """Those that are not over; one that waits for a person is an alarm, under the name that its guide has."""
    with kernel.postgres.transaction(role="counterpart_bridge") as tx:
        tx.execute(ORDERS)
    found = scraped(kernel)

    waiting = labels(service="bridge", part="zksync", state="pending")
    proved = labels(service="bridge", part="starknet", state="proved")
    assert {waiting: 2.0, proved: 1.0} == found["work_open"]
    assert {waiting, proved} == set(found["work_open_seconds"])
    assert {labels(alarm="bridge.parked"): 1.0} == found["alarms"]


def test_the_oracle_tells_its_prices_rounds_and_venues(kernel: FakedKernel) -> None:
    """A price by its symbol; a round as far as it came, and what nobody did of it; a venue that is silent is down."""
    with kernel.postgres.transaction(role="counterpart_oracle") as tx:
        for statement in ORACLE:
            tx.execute(statement)
    with kernel.postgres.transaction() as tx:
        tx.execute(MISSED)
    found = scraped(kernel)

    bitcoin, silent = labels(symbol="BTC/USD"), labels(venue="gate")
    assert 30 <= found["oracle_price_age_seconds"][bitcoin] < 90
    assert ({bitcoin: 3.0}, {bitcoin: 20.0}) == (found["oracle_price_sources"], found["oracle_price_width_bps"])
    assert {"commit": 2.0, "reveal": 1.0, "sign": 0.0, "finalise": 0.0} == by_phase(found["oracle_rounds_1h"])
    assert {"commit": 0.0, "reveal": 1.0, "sign": 0.0, "finalise": 1.0} == by_phase(found["oracle_rounds_missed_1h"])
    assert 30 <= found["oracle_commit_age_seconds"][()] < 90
    assert {silent: 0.0, labels(venue="okx"): 1.0} == found["oracle_venue_up"]
    assert {silent: 0.5, labels(venue="okx"): 1.0} == found["oracle_venue_answered_share_1h"]
    assert {labels(fault="late_reveal"): 1.0} == found["oracle_faults_1d"]


def test_dependencies_stand_as_their_breakers_say(kernel: FakedKernel) -> None:
    """One state each, of all there are."""
    for _ in range(5):
        with pytest.raises(NodeAway), kernel.breakers.guard("kms"):
            raise NodeAway
    found = scraped(kernel)["dependency_state"]

    assert {labels(dependency="kms", state=state.value) for state in State} == set(found)
    assert [labels(dependency="kms", state="circuit_open")] == [one for one, value in found.items() if value]


def test_wallets_are_told_by_service_and_chain(kernel: FakedKernel, clock: FakeClock) -> None:
    """However many there are; the one that is nearest to its floor, or below it, is what counts."""
    with kernel.postgres.transaction() as tx:
        for number, (balance, floor) in enumerate([(10**19, 10**18), (5 * 10**17, 10**18), (7, 0), (None, 10**18)]):
            tx.execute(WALLET, address=f"0x{number:040x}", balance=balance, floor=floor, now=clock.now())
    found = scraped(kernel)
    ours = labels(chain="evm:1", service="ops")

    assert ({ours: 4.0}, {ours: 0.5}) == (found["treasury_wallets"], found["treasury_headroom_ratio"])
    assert {ours: 10**19 + 5 * 10**17 + 7} == found["treasury_balance_base_units"]
    assert {ours: 3.0 * 10**18} == found["treasury_floor_base_units"]


def test_webhooks_are_told(kernel: FakedKernel, clock: FakeClock) -> None:
    """A receiver that fails is not one that is well; one that we disabled ourselves is an alarm."""
    deps = Deps(kernel)
    ids = [
        deps.webhook_endpoints.create(
            owner="service:ops", url="https://hooks.example.org/", topics=["ops.*"], actor="ada"
        ).endpoint_id
        for _ in range(4)
    ]
    for endpoint_id, actor in ((ids[0], "ada"), (ids[1], "service:ops")):
        deps.webhook_endpoints.disable(endpoint_id, actor=actor, reason="a holiday")
    with kernel.postgres.transaction() as tx:
        kernel.webhooks.publish(tx, "ops.transfer_ended", "one", {})
        tx.execute(FAILING, id=ids[2], now=clock.now())
    clock.advance(30)
    found = scraped(kernel)

    states = {"enabled": 1.0, "failing": 1.0, "disabled": 2.0}
    assert {labels(state=state): value for state, value in states.items()} == found["webhook_endpoints"]
    assert ({(): 2.0}, {(): 30.0}) == (found["webhooks_pending"], found["webhooks_pending_seconds"])
    assert {labels(alarm="webhooks.disabled"): 1.0} == found["alarms"]


def test_jobs_and_pins_are_told_until_they_are_done(kernel: FakedKernel, clock: FakeClock) -> None:
    """What ended and what has all its copies is not counted."""
    with kernel.postgres.transaction() as tx:
        tx.execute(JOBS, now=clock.now())
        tx.execute(PINS, now=clock.now(), cid="bafkrei" + "a" * 52)
    clock.advance(45)
    found = scraped(kernel)

    running, partial = labels(service="oracle", state="running"), labels(state="partial")
    assert ({running: 1.0}, {running: 45.0}) == (found["offload_open"], found["offload_open_seconds"])
    assert ({partial: 1.0}, {partial: 45.0}) == (found["pins_lacking"], found["pins_lacking_seconds"])


def test_no_label_grows_with_what_happens(kernel: FakedKernel, clock: FakeClock) -> None:
    """A thousand orders, wallets and receivers are as many lines as one."""
    before = len(call(kernel)["body"].splitlines())
    for size in (1, 100):
        enqueue(kernel, "ops.check_wallet", *(f"wallet-{size}-{number}" for number in range(size)))
        with kernel.postgres.transaction() as tx:
            for number in range(size):
                tx.execute(WALLET, address=f"0x{size:036x}{number:04x}", balance=1, floor=1, now=clock.now())
    lines = call(kernel)["body"].splitlines()

    assert 6 == len(lines) - before
    assert not any("0x" in line or "wallet-" in line for line in lines)


def test_a_viewer_is_refused(kernel: FakedKernel) -> None:
    """Every wallet that signs in is one."""
    assert 403 == call(kernel, Role.VIEWER)["statusCode"]


def labels(**pairs: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs.items()))


ENTRIES = """
with nonce as (
    insert into kernel.evm_nonces values (1, %(signer)s, 3, %(now)s)
)
insert into kernel.evm_outbox (id, business_key, service, chain_id, signer, nonce, recipient, calldata, value_wei,
    gas_limit, alarm, alarmed_at, recorded_at, changed_at, state, reason, transaction_hash, settled_at)
values
    (gen_random_uuid(), 'a', 'bridge', 1, %(signer)s, 0, %(signer)s, '', 0, 21000, null, null, %(now)s, %(now)s,
        'recorded', null, null, null),
    (gen_random_uuid(), 'b', 'bridge', 1, %(signer)s, 1, %(signer)s, '', 0, 21000, 'stuck', %(now)s, %(now)s, %(now)s,
        'recorded', null, null, null),
    (gen_random_uuid(), 'c', 'bridge', 1, %(signer)s, 2, %(signer)s, '', 0, 21000, null, null, %(now)s, %(now)s,
        'confirmed', null, decode(repeat('11', 32), 'hex'), %(now)s)
"""
LETTER = """
insert into kernel.dead_letters (id, queue, message_id, body, received_at, verdict, replayed_at, replayed_by)
values (gen_random_uuid(), 'q', 'm1', '', %(now)s, 'parked', null, null),
    (gen_random_uuid(), 'q', 'm2', '', %(now)s, 'parked', %(now)s, 'ada')
"""
SWITCHES = """
insert into kernel.service_switches (service, version, halted, actor, reason, changed_at)
values ('bridge', 1, true, 'ada', 'x', %(now)s), ('bridge', 2, false, 'ada', 'x', %(now)s),
    ('oracle', 1, true, 'ada', 'x', %(now)s)
"""
WALLET = """
insert into kernel.treasury_wallets (chain, address, service, floor, target, declared_at, chain_balance)
values ('evm:1', %(address)s, 'ops', %(floor)s, %(floor)s, %(now)s, %(balance)s)
"""
FAILING = "update kernel.webhook_endpoints set failures = 1, failing_since = %(now)s where id = %(id)s"
JOBS = """
insert into kernel.offload_jobs (id, business_key, service, function, arguments, work, poll_kind, attempts_max, state,
    reason, recorded_at, changed_at, ended_at)
values (gen_random_uuid(), 'a', 'oracle', 'f', '{}', '{}', 'oracle.poll', 1, 'running', null, %(now)s, %(now)s, null),
    (gen_random_uuid(), 'b', 'oracle', 'f', '{}', '{}', 'oracle.poll', 1, 'failed', 'x', %(now)s, %(now)s, %(now)s)
"""
PINS = """
insert into kernel.pins (business_key, cid, content_hash, plain_bytes, stored_bytes, media_type, encoding, wanted,
    confirmed, created_at, changed_at)
values ('a', %(cid)s, sha256('a'), 1, 1, 'text/plain', 'identity', 2, '{pinata}', %(now)s, %(now)s),
    ('b', %(cid)s, sha256('b'), 1, 1, 'text/plain', 'identity', 1, '{pinata}', %(now)s, %(now)s)
"""
