"""A contest's wallet, from nothing to its commit, beside what it cannot do without: one data key of KMS and one commit.

KMS is moto in a process of its own, a round trip of some milliseconds as AWS's is.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.contests.adapters.wallets import Wallets
from functions.contests.wiring import ROLE, WALLETS_ROLE
from infra.local.aws import Aws
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from tests.handlers.contests.custody import CHAIN, Custody

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
WARM = 20


@pytest.fixture
def custody(database_url: str) -> Iterator[Custody]:
    """A deployment."""
    with Custody.open(database_url) as (custody, _):
        yield custody


def timed(act: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1_000)
    return sorted(taken)


def told(name: str, taken: list[float]) -> str:
    cuts = statistics.quantiles(taken, n=100)
    return f"{name}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, longest {taken[-1]:.1f} ms, of {len(taken)}"


def test_a_wallet_is_made(
    custody: Custody,
    database_url: str,
    aws: Aws,
    volume: Callable[[int, int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Sealed, stored and audited; then the same without a wallet."""
    times, kms, key = volume(200, 2_000), AwsKms(), aws.create_kms_key()
    postgres = Postgres(database_url, role=WALLETS_ROLE)
    vault = Vault(postgres, Envelope(kms, key))
    deps = custody.deps(ROLE)
    wallets = Wallets(postgres, vault, deps.contests, deps.tasks, deps.clock, chain=CHAIN)

    def least() -> None:
        Ed25519PrivateKey.from_private_bytes(os.urandom(32)).public_key()
        kms.generate_data_key(key, {"purpose": "contests"})
        with postgres.transaction() as tx:
            tx.execute("select 1")

    timed(lambda: wallets.create(1), WARM)
    timed(least, WARM)
    made, bare = timed(lambda: wallets.create(1), times), timed(least, times)
    postgres.close()

    with capsys.disabled():
        sys.stdout.write(f"\n{told('a wallet', made)}\n{told('a data key and a commit', bare)}\n")
        sys.stdout.write(f"ratio of the medians {statistics.median(made) / statistics.median(bare):.2f}\n")
    assert len(custody.rows("select address from contests.contest_wallets")) == times + WARM
