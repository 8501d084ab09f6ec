"""queue_assign_wallet: a contest in; its wallet out, whose key is in the vault and nobody else's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from functions.contests import queue_assign_wallet
from functions.contests.adapters.admin_transfers import Asked, Wanted
from functions.contests.wiring import ADMIN_ROLE, WALLETS_ROLE
from kernel.keys.solana import verify_message
from kernel.postgres import Postgres
from tests.handlers.contests.custody import FEE_PAYER, Custody

pytestmark = pytest.mark.handlers
WAITING = """
    select count(*) as sessions from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
"""


def waiting(watcher: Postgres) -> int:
    """How many sessions wait for another one."""
    with watcher.transaction() as tx:
        return int(tx.one(WAITING)["sessions"])


@pytest.fixture
def custody(database_url: str) -> Iterator[Custody]:
    """Nothing is there yet."""
    with Custody.open(database_url, wallets_free=2) as (custody, _):
        yield custody


def test_a_wallet_is_made_where_none_waits(custody: Custody) -> None:
    """It signs, and only the vault can make it."""
    contest = custody.announce()
    states = custody.assign()
    wallet = custody.wallet(contest)

    assert states == ["done"]
    assert wallet is not None
    signer = custody.deps(WALLETS_ROLE).signer_of(wallet)
    verify_message(b"a message", signer.sign_message(b"a message"), wallet)
    [row] = custody.rows("select origin, contest_id from contests.contest_wallets")
    assert row == {"origin": "generated", "contest_id": contest}


def test_vanity_addresses_go_first_in_the_order_in_which_they_came(custody: Custody) -> None:
    """Then the generated ones that have waited longest, then new ones."""
    custody.generate()
    generated = [row["address"] for row in custody.rows("select address from contests.contest_wallets order by number")]
    pool = custody.fill_pool()
    contests = [custody.announce() for _ in range(6)]
    custody.assign()

    given = [custody.wallet(contest) for contest in contests]
    assert given[:5] == [*pool, *generated]
    assert len(set(given)) == 6
    assert None not in given


def test_a_message_that_comes_again_changes_nothing(custody: Custody) -> None:
    """Neither does another task for the same contest."""
    contest = custody.announce()
    custody.assign()
    wallet = custody.wallet(contest)
    custody.again("contests.assign_wallet")
    states = custody.assign()

    assert (states, custody.wallet(contest)) == (["done"], wallet)
    assert len(custody.rows("select address from contests.contest_wallets")) == 1


def test_a_wallet_whose_key_somebody_asked_for_is_given_to_none(custody: Custody) -> None:
    """Whoever holds a copy of its key could take the pool: it is left aside, and another is made in its stead."""
    custody.generate()
    asked, other = (
        row["address"] for row in custody.rows("select address from contests.contest_wallets order by number")
    )
    with closing(custody.container(ADMIN_ROLE)) as admin:
        admin.key_exports.ask(asked, bytes([9]) * 32, actor="person:ada", reason="moves to another custodian")
    contests = [custody.announce(), custody.announce()]
    custody.assign()
    custody.generate()

    given = [custody.wallet(contest) for contest in contests]
    assert asked not in given and other == given[0] and given[1] is not None
    [row] = custody.rows("select count(*) as waiting from contests.contest_wallets where contest_id is null")
    assert 1 + custody.settings.wallets_free == row["waiting"]


@pytest.mark.parametrize("way", ["from", "to"])
def test_a_wallet_waits_until_what_administrators_move_has_arrived(database_url: str, way: str) -> None:
    """Else it would be booked as the pool's, which then is not what the entrants have paid."""
    with Custody.open(database_url, wallets_free=2) as (custody, balances):
        custody.generate()
        moved, other = (
            row["address"] for row in custody.rows("select address from contests.contest_wallets order by number")
        )
        source, recipient = (moved, other) if way == "from" else (FEE_PAYER, moved)
        balances.lamports |= {source: 10**9}
        asked = Asked(batch="b", source=source, actor="person:ada", reason="expenses")
        with closing(custody.container(ADMIN_ROLE)) as admin:
            admin.admin_transfers.transfer(asked, [Wanted(0, recipient, 10**9)])
        first, second = custody.announce(), custody.announce()
        custody.assign()
        custody.change("update kernel.solana_outbox set state = 'cancelled', settled_at = now()")
        third = custody.announce()
        custody.assign()

        assert moved not in (custody.wallet(first), custody.wallet(second))
        assert moved == custody.wallet(third)


def test_a_wallet_is_not_given_away_while_administrators_begin_to_move_of_it(database_url: str) -> None:
    """Their transfer is not committed yet, and the contest waits for it: it gets another wallet."""
    with Custody.open(database_url, wallets_free=2) as (custody, balances):
        custody.generate()
        moved, other = (
            row["address"] for row in custody.rows("select address from contests.contest_wallets order by number")
        )
        balances.lamports[moved] = 10**9
        contest, asked = custody.announce(), Asked(batch="b", source=moved, actor="person:ada", reason="expenses")
        with (
            closing(custody.container(ADMIN_ROLE)) as admin,
            closing(Postgres(database_url)) as watcher,
            closing(Postgres(database_url)) as auditor,
            ThreadPoolExecutor(2) as workers,
        ):
            with auditor.transaction() as tx:
                tx.one("select from kernel.audit_head for update")
                moving = workers.submit(admin.admin_transfers.transfer, asked, [Wanted(0, other, 10**9)])
                while waiting(watcher) < 1:
                    assert not moving.done()
                giving = workers.submit(custody.assign)
                while waiting(watcher) < 2 and not giving.done():
                    pass
            moving.result(timeout=30)
            giving.result(timeout=30)

        assert custody.wallet(contest) not in {moved, other, None}


def test_a_cancelled_contest_gets_none(custody: Custody) -> None:
    """What nobody will pay into needs no wallet."""
    custody.generate()
    contest = custody.announce()
    custody.change("update contests.contests set state = 'refunding'")
    custody.assign()

    assert custody.wallet(contest) is None
    assert [row["contest_id"] for row in custody.rows("select contest_id from contests.contest_wallets")] == [
        None,
        None,
    ]


def test_contests_that_are_served_at_once_get_wallets_of_their_own(custody: Custody) -> None:
    """Two workers claim from the same pool."""
    custody.fill_pool()
    contests = [custody.announce() for _ in range(3)]
    due = custody.due("contests.assign_wallet")

    with ThreadPoolExecutor(3) as crowd:
        deps = [custody.container(WALLETS_ROLE) for _ in due]
        list(crowd.map(lambda one: custody.deliver(queue_assign_wallet.handler, *one), zip(deps, due, strict=True)))
    for one in deps:
        one.close()

    assert len({custody.wallet(contest) for contest in contests} - {None}) == 3
