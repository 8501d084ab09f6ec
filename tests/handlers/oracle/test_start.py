"""A container that cannot end well refuses to start, and says what to do."""

from collections.abc import Iterator

import pytest

from functions.oracle.wiring import ROLE, Deps, SubmitterDeps
from kernel.errors import KeyUnavailable, PendingMigration, WrongChain
from kernel.postgres.schema_version import REQUIRED_MIGRATION
from kernel.testing.kernel import FakedKernel
from tests.handlers.oracle.provider import Provider, Stage

pytestmark = pytest.mark.handlers


@pytest.fixture
def provider(stage: Stage) -> Provider:
    """A provider that could start."""
    return stage.provider()


@pytest.fixture
def keyless(provider: Provider) -> Iterator[FakedKernel]:
    """The provider's kernel, told of a key that the key service does not have."""
    kernel = FakedKernel(provider.database_url, role=ROLE, clock=provider.kernel.clock)
    kernel.settings = kernel.settings.model_copy(update={"kms_key_id": "absent"})
    yield kernel
    kernel.postgres.close()


def submitter(provider: Provider) -> SubmitterDeps:
    """What a function that signs starts with."""
    return SubmitterDeps(provider.kernel, provider.deps.settings)


def test_with_everything_in_place_it_starts(provider: Provider) -> None:
    """The positive of all that follows."""
    deps = submitter(provider)

    deps.check()

    opened = provider.one("select count(*) as signers from kernel.evm_nonces")
    assert opened == {"signers": 3}
    deps.pool.close()


def test_an_absent_kms_key_is_refused_with_the_remedy(provider: Provider, keyless: FakedKernel) -> None:
    """Before a commit is made whose opening could not be sealed."""
    with pytest.raises(KeyUnavailable, match="Create or enable the key"):
        SubmitterDeps(keyless, provider.deps.settings).check()


def test_a_pending_migration_is_refused_with_the_remedy(provider: Provider) -> None:
    """Code that is newer than the database must not touch it."""
    with provider.kernel.postgres.transaction(role="none") as tx:
        tx.execute("delete from public.schema_migrations where version = %(newest)s", newest=REQUIRED_MIGRATION)

    with pytest.raises(PendingMigration, match="make migrate"):
        submitter(provider).check()


def test_another_chain_is_refused_with_the_remedy(stage: Stage) -> None:
    """A nonce of another chain would be taken for ours."""
    provider = stage.provider(chain_id=14)

    with pytest.raises(WrongChain, match="Correct the RPC URLs or the chain id"):
        submitter(provider).check()


def test_functions_that_only_read_need_no_key(provider: Provider, keyless: FakedKernel) -> None:
    """Ingestion and prices go on while the key service is away."""
    Deps(keyless, provider.deps.settings).check()

    assert provider.one("select count(*) as signers from kernel.evm_nonces") == {"signers": 0}
