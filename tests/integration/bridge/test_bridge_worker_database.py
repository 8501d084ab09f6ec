"""A worker's database that outlives a run: what only that run could use is not waited for."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from functions.ops.adapters.chains import KEY_PURPOSE
from infra.local.bridge.stage import begin_anew
from infra.local.flare.accounts import dev_account
from kernel.keys.envelope import Envelope
from kernel.keys.evm import LocalSigner
from kernel.keys.kms import WrongContext
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.tasks import Tasks, TaskSpec
from kernel.testing import InMemoryKms, InMemoryQueue

pytestmark = pytest.mark.integration

CHAIN, ACCOUNT = "evm:1", dev_account("bridge", "a worker")


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    """As whoever owns the database."""
    postgres = Postgres(database_url)
    yield postgres
    postgres.close()


def keep(postgres: Postgres) -> Envelope:
    """Seal the worker's key under a key service of its own."""
    envelope = Envelope(InMemoryKms(), "test-key")
    Vault(postgres, envelope).keep(ACCOUNT.private_key, purpose=KEY_PURPOSE, chain=CHAIN, actor="shell")
    return envelope


def test_a_key_is_sealed_under_the_key_service_of_the_present_run(postgres: Postgres, database_url: str) -> None:
    """The one before is gone, and what it sealed opens no more: without forgetting it, nothing could be signed."""
    digest = bytes(32)
    keep(postgres)
    with pytest.raises(WrongContext):
        signed(postgres, keep(postgres), digest)

    begin_anew(database_url, CHAIN, ACCOUNT.address)

    assert signed(postgres, keep(postgres), digest) == LocalSigner(ACCOUNT.private_key).sign_digest(digest)


def signed(postgres: Postgres, envelope: Envelope, digest: bytes) -> object:
    """By whatever key the vault keeps for the worker."""
    return Vault(postgres, envelope).evm_signer(ACCOUNT.address, purpose=KEY_PURPOSE, chain=CHAIN).sign_digest(digest)


def test_a_task_whose_message_is_lost_with_its_queue_is_sent_again_at_once(
    postgres: Postgres, database_url: str
) -> None:
    """Not after the minutes for which a queue is trusted to deliver."""
    now = datetime.now(UTC)
    spec = TaskSpec(kind="bridge.decide_order", business_key="bridge:zksync:1:decide", payload={}, run_at=now)
    Tasks(postgres, InMemoryQueue()).enqueue([spec])
    with postgres.transaction() as tx:
        trusted = tx.one("select sweep_at > now() as later from kernel.tasks")["later"]
    begin_anew(database_url, CHAIN, ACCOUNT.address)

    with postgres.transaction() as tx:
        due = tx.one("select sweep_at = run_at as now from kernel.tasks")["now"]

    assert (True, True) == (trusted, due)
