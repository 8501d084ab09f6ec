"""cron_rebalance: earnings above their target go to the operator once, and short money is told of."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.bridge.core.rebalance import CAPITAL_SHORT, NOWHERE_TO_COLLECT
from functions.bridge.cron_rebalance import handler
from kernel.ledger import Ledger, Posting
from kernel.treasury.switch import KillSwitch
from tests.handlers.bridge.office import FEE_WEI, OPERATOR, Office
from tests.integration.bridge.house import L1, L2
from tests.integration.bridge.stage import ETHER
from tests.races import at_once

pytestmark = pytest.mark.handlers
SENT = "select * from kernel.treasury_transfers where chain = 'evm:31338'"
DECIDED = "select * from bridge.rebalances order by id"
NO_NONCE_YET = "insert into kernel.evm_nonces values (31338, %(a)s, 0, now())"
RESERVE_WEI = 500_000 * 5 * 10**9


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment whose network has repaid one order of an ether, and whose operator has an address there."""
    with Office.open(database_url) as office:
        office.collects_to(OPERATOR)
        repay(office, "one")
        # The treasury's first check of a wallet does it, so that no transfer waits for a node.
        with office.office.transaction() as tx:
            tx.execute(NO_NONCE_YET, a=office.settings.signer)
        yield office


def repay(office: Office, key: str) -> None:
    """Book what an order of an ether brings on the network."""
    wallet, amount = f"bridge:wallet:{office.settings.signer}", ETHER + FEE_WEI
    postings = [Posting(wallet, f"{L2}:native", amount), Posting("bridge:outside", f"{L2}:native", -amount)]
    with office.office.transaction() as tx:
        Ledger(office.clock).post(tx, business_key=f"repaid/{key}", service="bridge", postings=postings)


def marks(office: Office, chain: str, *, floor: int, target: int) -> None:
    """What a wallet of ours should hold."""
    with office.office.transaction() as tx:
        tx.execute(
            "update kernel.treasury_wallets set floor = %(floor)s, target = %(target)s where chain = %(chain)s",
            chain=chain,
            floor=floor,
            target=target,
        )


def newest(office: Office) -> dict[str, Any]:
    """The newest decision that was kept."""
    return office.rows(DECIDED)[-1]


def test_earnings_above_the_target_are_sent_to_the_operator(office: Office) -> None:
    """Down to the floor, less the most that the transfer can cost; the ops slice signs and sends it."""
    marks(office, L2, floor=ETHER // 10, target=ETHER // 2)

    office.tick(handler)

    [sent] = office.rows(SENT)
    wanted = ETHER + FEE_WEI - ETHER // 10 - RESERVE_WEI
    [task] = office.rows("select kind, state from kernel.tasks where kind like 'ops.%%'")
    assert (OPERATOR, wanted, RESERVE_WEI) == (sent["recipient"], sent["amount"], sent["reserve"])
    assert ("ops.submit_evm_transaction", "ready") == (task["kind"], task["state"])
    assert [f"collect:{L2}:{office.settings.signer}:1"] == [one["key"] for one in newest(office)["collects"]]


def test_a_collection_is_kept_among_privileged_acts(office: Office) -> None:
    """Money left the bridge: who and why is on record."""
    marks(office, L2, floor=0, target=0)

    office.tick(handler)

    [act] = office.rows("select actor, action from kernel.audit_log where action = 'treasury.transfer'")
    assert ("service:bridge", "treasury.transfer") == (act["actor"], act["action"])


def test_one_collection_of_a_wallet_is_under_way_at_a_time(office: Office) -> None:
    """However often the schedule fires; when it has ended, the next has a key of its own."""
    marks(office, L2, floor=0, target=0)
    for _ in range(3):
        office.tick(handler)
    first = len(office.rows(SENT))
    with office.office.transaction() as tx:
        tx.execute("update kernel.treasury_transfers set state = 'cancelled', fee = 0, settled_at = now()")
    repay(office, "two")

    office.tick(handler)

    keys = sorted(row["key"].rpartition(":")[2] for row in office.rows(SENT))
    assert (1, ["1", "2"]) == (first, keys)


def test_two_ticks_at_once_send_one_collection(office: Office) -> None:
    """EventBridge may deliver one twice: the second sees what the first has sent."""
    marks(office, L2, floor=0, target=0)
    containers = [office.another() for _ in range(3)]

    plans = at_once(containers, lambda deps: deps.rebalancing.decide())

    assert [0, 0, 1] == sorted(len(plan.collects) for plan in plans)
    assert 1 == len(office.rows(SENT))
    for deps in containers:
        deps.kernel.close()


def test_earnings_below_the_target_stay(office: Office) -> None:
    """And a decision that is that of the one before is not kept again."""
    marks(office, L2, floor=0, target=2 * ETHER)

    for _ in range(3):
        office.tick(handler)

    assert [] == office.rows(SENT)
    assert [([], [])] == [(row["collects"], row["alarms"]) for row in office.rows(DECIDED)]


def test_a_decision_is_kept_with_what_it_was_made_from(office: Office) -> None:
    """So that it can be made again."""
    office.tick(handler)

    inputs = newest(office)["inputs"]
    [earnings] = inputs["earnings"]
    assert str(ETHER + FEE_WEI) == earnings["balance_wei"]
    assert ("zksync", OPERATOR, False) == (earnings["origin"], earnings["collect_to"], inputs["is_halted"])


def test_a_halted_bridge_sends_nothing(office: Office) -> None:
    """Its money stays where an administrator finds it."""
    marks(office, L2, floor=0, target=0)
    KillSwitch(office.office, office.clock).halt("bridge", "a test", "a test")

    office.tick(handler)

    assert [] == office.rows(SENT)


def test_a_wallet_of_which_books_and_chain_differ_is_not_touched(office: Office) -> None:
    """Nobody knows what is true."""
    marks(office, L2, floor=0, target=0)
    with office.office.transaction() as tx:
        tx.execute(
            "update kernel.treasury_wallets set verdict = 'difference', difference = 1 where chain = 'evm:31338'"
        )

    office.tick(handler)

    assert [] == office.rows(SENT)


def test_a_signer_below_its_floor_is_told_of(
    office: Office, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """In the log once it begins and once it passes; the metric says so all the while, and /metrics too."""
    caplog.set_level("INFO")
    marks(office, L2, floor=0, target=2 * ETHER)
    marks(office, L1, floor=20_000 * ETHER, target=30_000 * ETHER)
    office.tick(handler)
    office.tick(handler)
    alarms = office.rows("select alarm from kernel.service_alarms")
    marks(office, L1, floor=0, target=0)
    office.tick(handler)
    metrics = capsys.readouterr().out

    assert [CAPITAL_SHORT] == [row["alarm"] for row in alarms]
    assert [CAPITAL_SHORT] == [record.alarm for record in caplog.records if hasattr(record, "alarm")]
    assert [CAPITAL_SHORT] == [record.passed for record in caplog.records if hasattr(record, "passed")]
    assert (2, 1) == (metrics.count('"bridge_alarms":[1.0]'), metrics.count('"bridge_alarms":[0.0]'))
    assert [[CAPITAL_SHORT], []] == [row["alarms"] for row in office.rows(DECIDED)]


def test_earnings_with_nowhere_to_go_are_told_of(office: Office) -> None:
    """They would pile up unseen."""
    office.collects_to(None)
    marks(office, L2, floor=0, target=0)

    office.tick(handler)

    assert ([], [NOWHERE_TO_COLLECT]) == (newest(office)["collects"], newest(office)["alarms"])


def test_orders_that_need_a_person_are_counted(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """Parked ones, and those whose deposit is lost."""
    office.lock()
    office.stage.l2.mine()
    office.minute()
    office.deliver(office.due()[0])
    office.parked()

    office.tick(handler)

    assert '"bridge_alarms":[1.0]' in capsys.readouterr().out
    assert ["bridge.parked"] == [row["alarm"] for row in office.rows("select alarm from kernel.service_alarms")]


def test_without_a_declared_signer_there_is_nothing_to_decide(office: Office) -> None:
    """A deployment that is not set up yet is no alarm."""
    office.configure(signer=OPERATOR)

    assert {"status": "done"} == office.tick(handler)
    assert [] == office.rows(DECIDED)
