"""API keys and nonces on a real database."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from kernel.auth import ApiKeys, Principal, Role, Tier
from kernel.auth.nonces import LIFETIME_S, Nonces, NonceSpent
from kernel.errors import NotFound, Unauthorized
from kernel.postgres import Postgres
from kernel.testing import FakeClock

pytestmark = pytest.mark.integration


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url)
    yield postgres
    postgres.close()


def test_an_issued_key_is_known_by_its_tier_and_role(postgres: Postgres) -> None:
    """The key opens what it was issued for."""
    keys = ApiKeys(postgres)
    issued = keys.issue(tier=Tier.PAID, role=Role.VIEWER, label="a customer", actor="a test")

    expected = Principal(identity=f"key:{issued.prefix}", tier=Tier.PAID, role=Role.VIEWER)
    assert keys.principal(issued.key) == expected


def test_the_database_never_sees_the_key(postgres: Postgres) -> None:
    """Only its hash and its prefix; a repr hides it too."""
    issued = ApiKeys(postgres).issue(tier=Tier.PAID, role=Role.VIEWER, label="a customer", actor="a test")
    with postgres.transaction() as tx:
        row = tx.one("select api_keys::text as everything from kernel.api_keys")["everything"]
    secret = issued.key.rpartition("_")[2]

    assert (secret in row, secret in repr(issued)) == (False, False)


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "a", lambda key: " " + key])
def test_a_changed_key_is_refused(postgres: Postgres, change: object) -> None:
    """Nothing near is good enough."""
    keys = ApiKeys(postgres)
    issued = keys.issue(tier=Tier.PAID, role=Role.VIEWER, label="a customer", actor="a test")
    assert callable(change)
    with pytest.raises(Unauthorized):
        keys.principal(change(issued.key))


def test_a_revoked_key_is_refused_and_stays_listed(postgres: Postgres) -> None:
    """Revoking twice keeps the first time; the record remains."""
    clock = FakeClock()
    keys = ApiKeys(postgres, clock)
    issued = keys.issue(tier=Tier.PAID, role=Role.VIEWER, label="a customer", actor="a test")
    keys.revoke(issued.prefix, actor="a test")
    revoked_at = clock.now()
    clock.advance(60)
    keys.revoke(issued.prefix, actor="a test")

    with pytest.raises(Unauthorized):
        keys.principal(issued.key)
    assert [(record.prefix, record.label, record.revoked_at) for record in keys.all()] == [
        (issued.prefix, "a customer", revoked_at)
    ]


def test_an_unknown_key_cannot_be_revoked(postgres: Postgres) -> None:
    """NotFound."""
    with pytest.raises(NotFound):
        ApiKeys(postgres).revoke("abcdefghijkl", actor="a test")


def test_a_slice_may_read_keys_but_make_none(database_url: str) -> None:
    """The database itself holds the line."""
    oracle = Postgres(database_url, role="counterpart_oracle")
    issued = ApiKeys(oracle).issue(tier=Tier.PAID, role=Role.VIEWER, label="by the ops role", actor="a test")
    known = ApiKeys(oracle).principal(issued.key)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), oracle.transaction() as tx:
        tx.execute("update kernel.api_keys set role = 'admin'")
    oracle.close()

    assert known.role is Role.VIEWER


def test_a_nonce_is_good_once(postgres: Postgres) -> None:
    """The second use is refused."""
    nonces = Nonces(postgres)
    nonce = nonces.issue("siwe")
    nonces.spend(nonce, "siwe")
    with pytest.raises(NonceSpent):
        nonces.spend(nonce, "siwe")

    assert len(nonce) == 32


def test_a_nonce_is_good_for_its_purpose_only(postgres: Postgres) -> None:
    """And a wrong attempt does not use it up."""
    nonces = Nonces(postgres)
    nonce = nonces.issue("siwe")
    with pytest.raises(NonceSpent):
        nonces.spend(nonce, "siws")

    nonces.spend(nonce, "siwe")


def test_a_nonce_is_good_for_five_minutes(postgres: Postgres) -> None:
    """At the end of the last second it is over, and the row goes."""
    clock = FakeClock()
    nonces = Nonces(postgres, clock)
    early, late = nonces.issue("siwe"), nonces.issue("siwe")
    clock.advance(LIFETIME_S - 1)
    nonces.spend(early, "siwe")
    clock.advance(1)
    with pytest.raises(NonceSpent):
        nonces.spend(late, "siwe")
    nonces.issue("siwe")
    with postgres.transaction() as tx:
        assert tx.one("select count(*) as n from kernel.nonces")["n"] == 1


def test_of_many_who_use_one_nonce_at_once_one_succeeds(database_url: str) -> None:
    """Whoever is faster."""
    first = Postgres(database_url)
    nonce = Nonces(first).issue("siwe")
    first.close()
    successes: list[int] = []
    gate = threading.Barrier(6)

    def use(number: int) -> None:
        postgres = Postgres(database_url)
        nonces = Nonces(postgres)
        postgres.check_schema()
        gate.wait()
        try:
            nonces.spend(nonce, "siwe")
            successes.append(number)
        except NonceSpent:
            pass
        finally:
            postgres.close()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(successes) == 1
