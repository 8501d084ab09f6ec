"""cron_rake: whose wallet is swept, by how much, and who is freed of waiting."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.pay_steps import PAY
from functions.contests.core.obligation import Kind
from kernel.outbox.solana import State
from kernel.treasury import KillSwitch
from tests.handlers.contests.paydesk import Paydesk
from tests.handlers.contests.strongroom import RECIPIENTS, SOL

pytestmark = pytest.mark.handlers

SWEEPS = "select contest_id, lamports, found_lamports, state from contests.sweeps order by planned_at, contest_id"
SETTLED = "update kernel.solana_outbox set state = 'cancelled', settled_at = %(now)s where settled_at is null"
KEPT, LEAST = SOL // 100, SOL // 1_000


@pytest.fixture
def desk(database_url: str) -> Iterator[Paydesk]:
    """A contest that is paid; a SOL is left."""
    with Paydesk.open(database_url, "paid") as desk:
        yield desk


def test_only_what_is_over_is_swept_and_all_but_a_hundredth_of_it(desk: Paydesk) -> None:
    """Contests in every state, all with the same in their wallets; what is less than a thousandth stays."""
    states = ("pending", "active", "evaluating", "paying", "refunding", "raked", "swept", "refunded")
    for seed, state in enumerate(states, 2):
        desk.room.contest(desk.room.wallet(seed, SOL), state, SOL)
    for seed, lamports in ((20, KEPT + LEAST), (21, KEPT + LEAST - 1)):
        desk.room.contest(desk.room.wallet(seed, lamports), "paid", lamports)
    desk.rake()
    desk.rake()

    assert [LEAST, SOL - KEPT, SOL - KEPT] == sorted(row["lamports"] for row in desk.rows(SWEEPS))
    assert {("sent", 0)} == {(row["state"], row["found_lamports"]) for row in desk.rows(SWEEPS)}


def test_a_sweep_ends_its_contest_and_one_that_failed_is_planned_anew(desk: Paydesk) -> None:
    """Under another number."""
    desk.rake()
    desk.end(State.CANCELLED)

    assert ("paid", ["failed"]) == (desk.state, [row["state"] for row in desk.rows(SWEEPS)])

    desk.rake()
    desk.end(State.CONFIRMED)

    assert ("raked", ["failed", "swept"]) == (desk.state, sorted(row["state"] for row in desk.rows(SWEEPS)))
    balances = desk.rows("select name, balance::bigint as balance from kernel.ledger_accounts order by name")
    assert [-SOL, KEPT, SOL - KEPT] == [row["balance"] for row in balances]


def test_fifty_wallets_a_turn_and_five_sweeps_at_once(desk: Paydesk) -> None:
    """The others wait their turn; every end makes room for one."""
    for seed in range(2, 58):
        desk.room.contest(desk.room.wallet(seed, SOL), "paid", SOL)
    desk.rake()

    assert (5, 45) == _sent_and_planned(desk)

    desk.end(State.CONFIRMED)

    assert (5, 40) == _sent_and_planned(desk)


def test_a_sweep_that_lands_while_the_service_is_halted_is_booked(desk: Paydesk) -> None:
    """Only the next ones wait until it goes on."""
    for seed in range(2, 9):
        desk.room.contest(desk.room.wallet(seed, SOL), "paid", SOL)
    desk.rake()
    switch = KillSwitch(desk.custody.office, desk.custody.clock)
    switch.halt("contests", "ada", "something is odd")
    desk.end(State.CONFIRMED)

    assert (0, 3) == _sent_and_planned(desk)
    assert 5 == len(desk.rows("select from contests.contests where state = 'raked'"))

    switch.resume("contests", "ada", "it was nothing")
    desk.rake()

    assert (3, 0) == _sent_and_planned(desk)


def test_what_is_held_is_left_and_paid_once_its_account_can_take_it(desk: Paydesk) -> None:
    """Looked at again every ten minutes."""
    del desk.room.balances.lamports[RECIPIENTS[0]]
    desk.owe(Kind.PAYOUT, [500_000], SOL - 500_000)
    desk.run(PAY)
    desk.rake()

    assert [SOL - KEPT - 500_000] == [row["lamports"] for row in desk.rows(SWEEPS)]

    desk.room.balances.lamports[RECIPIENTS[0]] = 890_880
    desk.rake()
    desk.run(PAY)

    assert [("payout", 0, "sent", 1)] == desk.lines()


def test_what_no_entry_explains_waits_three_days_and_calls_somebody(
    desk: Paydesk, caplog: pytest.LogCaptureFixture
) -> None:
    """A fee that came too late can be given back until then; what is not worth a transaction holds nothing."""
    wallet = desk.room.wallet(2, SOL + LEAST)
    contest = desk.room.contest(wallet, "paid", SOL)
    desk.room.contest(desk.room.wallet(3, SOL + LEAST - 1), "paid", SOL)
    desk.rake()

    assert [0, LEAST - 1] == sorted(row["found_lamports"] for row in desk.rows(SWEEPS))
    [told] = [one for one in caplog.records if getattr(one, "alarm", "") == "contests.found"]
    assert (str(contest), LEAST) == (getattr(told, "contest", ""), getattr(told, "found_lamports", 0))

    desk.custody.clock.advance(3 * 86_400 - 1)
    desk.rake()
    assert 2 == len(desk.rows(SWEEPS))

    desk.custody.clock.advance(1)
    desk.rake()
    assert [0, LEAST - 1, LEAST] == sorted(row["found_lamports"] for row in desk.rows(SWEEPS))


def test_of_two_that_came_too_late_one_is_given_back_and_the_other_still_waits(desk: Paydesk) -> None:
    """A transfer books no more of what was found than it moves."""
    desk.room.balances.lamports[desk.wallet] += 2 * LEAST
    back = {"source": desk.wallet, "recipient": RECIPIENTS[0], "amount_base_units": str(LEAST), "reason": "too late"}
    status, _ = desk.room.http("POST", "/v1/contests/admin/transfers", back, key="back")
    desk.end(State.CONFIRMED)
    desk.custody.change(SETTLED, now=desk.custody.clock.now())
    desk.room.balances.lamports[desk.wallet] -= LEAST
    desk.rake()

    assert (202, []) == (status, desk.rows(SWEEPS))

    desk.custody.clock.advance(3 * 86_400)
    desk.rake()

    assert [LEAST] == [row["found_lamports"] for row in desk.rows(SWEEPS)]


def _sent_and_planned(desk: Paydesk) -> tuple[int, int]:
    states = [row["state"] for row in desk.rows(SWEEPS)]
    return states.count("sent"), states.count("planned")
