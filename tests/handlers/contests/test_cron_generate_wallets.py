"""cron_generate_wallets: what is missing is made, each with its key in the vault."""

import pytest

from tests.handlers.contests.custody import Custody

pytestmark = pytest.mark.handlers
KEPT = "select address from kernel.sealed_keys where purpose = 'contests' order by address"


def addresses(custody: Custody, table: str) -> list[str]:
    return [row["address"] for row in custody.rows(f"select address from contests.{table} order by number")]


def test_what_is_missing_is_made_and_no_more(database_url: str) -> None:
    """A second turn finds nothing to do; each sealing is an act in the audit log."""
    with Custody.open(database_url, wallets_free=3, test_wallets=2) as (custody, _):
        custody.generate()
        made = addresses(custody, "contest_wallets"), addresses(custody, "test_wallets")
        custody.generate()

        assert (addresses(custody, "contest_wallets"), addresses(custody, "test_wallets")) == made
        assert [len(each) for each in made] == [3, 2]
        kept = [row["address"] for row in custody.rows(KEPT)]
        assert kept == sorted([*made[0], *made[1], custody.faucet])
        acts = custody.rows("select actor from kernel.audit_log where action = 'keys.seal' and actor = 'contests'")
        assert len(acts) == 5


def test_what_is_given_away_is_made_anew(database_url: str) -> None:
    """A contest takes one; a retired one does not count either."""
    with Custody.open(database_url, wallets_free=2) as (custody, _):
        custody.generate()
        custody.announce()
        custody.assign()
        free = "contest_id is null"
        custody.change(f"update contests.contest_wallets set retired_at = now() where {free}")
        custody.generate()

        assert len(addresses(custody, "contest_wallets")) == 4


def test_there_are_no_test_wallets_on_mainnet(database_url: str) -> None:
    """Whatever the settings say."""
    with Custody.open(database_url, wallets_free=1, test_wallets=5, cluster="mainnet") as (custody, _):
        custody.generate()

        assert len(addresses(custody, "contest_wallets")) == 1
        assert addresses(custody, "test_wallets") == []


def test_one_turn_makes_a_batch(database_url: str) -> None:
    """Its minute is bounded: the rest is the next turn's."""
    with Custody.open(database_url, wallets_free=60, test_wallets=5) as (custody, _):
        custody.generate()

        assert (len(addresses(custody, "contest_wallets")), addresses(custody, "test_wallets")) == (50, [])
