"""Every HTTP API of the bundle under schemathesis: all its checks and every boundary of a schema, with a key.

Besides come random examples of each operation: a hundred at full volume, a quarter of them in `make test`.

The applications are found by their files, functions/<slice>/http_*.py, so that a new one is attacked without anybody
remembering it; a slice whose settings have no defaults adds them to SLICE_ENVIRONMENTS. Postgres and Redis are real.
"""

import gc
import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.config import SchemathesisConfig

from infra.local import settings
from infra.local.aws import Aws
from infra.local.redis import RedisRest
from infra.local.solana import SolanaNode
from kernel.auth import Role, Tier
from kernel.handler.http import override_deps
from kernel.wiring import Kernel

pytestmark = [pytest.mark.handlers, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "functions").glob("*/http_*.py")
)
SEALED_KEY = 'plain:{"address": "0x' + "11" * 20 + '", "sealed": ""}'
ZKSYNC = (
    '[{"kind": "zksync", "name": "zksync", "chain_id": 324, "rpc_urls": "plain:http://rpc.invalid", "start_block": 1, '
    f'"escrow": "0x{"11" * 20}", "account": "0x{"22" * 20}"}}]'
)
SLICE_ENVIRONMENTS = {
    "COUNTERPART_BRIDGE_L1_CHAIN_ID": "1",
    "COUNTERPART_BRIDGE_L1_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_BRIDGE_REGISTRY_ADDRESS": "0x" + "11" * 20,
    "COUNTERPART_BRIDGE_REGISTRY_VERSION": "2",
    "COUNTERPART_BRIDGE_SIGNER": "0x" + "22" * 20,
    "COUNTERPART_BRIDGE_ORIGINS": ZKSYNC,
    "COUNTERPART_NETTING_CLUSTER": "localnet",
    "COUNTERPART_NETTING_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_NETTING_PROGRAM": "1" * 32,
    "COUNTERPART_NETTING_AUTHORITY": "1" * 32,
    "COUNTERPART_OPS_CHAINS": '[{"chain": "evm:1", "rpc_urls": "plain:http://rpc.invalid"}, '
    '{"chain": "solana:localnet", "rpc_urls": "plain:http://rpc.invalid"}]',
    "COUNTERPART_OPS_HOOKS": '[{"provider": "alchemy", "secret": "plain:key"}, '
    '{"provider": "quicknode", "secret": "plain:token"}, {"provider": "helius", "secret": "plain:secret"}]',
    "COUNTERPART_ORACLE_NETWORK": "local",
    "COUNTERPART_ORACLE_CHAIN_ID": "31337",
    "COUNTERPART_ORACLE_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_ORACLE_REGISTRY_ADDRESS": "0x" + "00" * 20,
    "COUNTERPART_ORACLE_SUBMIT_KEY": SEALED_KEY,
    "COUNTERPART_ORACLE_SUBMIT_SIGNATURES_KEY": SEALED_KEY,
    "COUNTERPART_ORACLE_SIGNING_POLICY_KEY": SEALED_KEY,
}
EXAMPLES = 100 if settings.load().soak else 25
CONFIG = {
    "seed": 20261121,
    "generation": {
        # Postgres stores no NUL; JSON Schema cannot say so for every string, and the border refuses it.
        "allow-x00": False,
    },
    "checks": {
        # 422 says: well formed, but nothing in it can be done, as when every symbol is unknown. No schema can say that.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422", "429"]},
    },
    "operations": [
        # Any text is a subject; an array of one, sent in a query, is the text that it holds.
        {"include-name": "GET /v1/ops/audit", "checks": {"negative_data_rejection": {"enabled": False}}},
    ],
}


#: Test -> whom it attacks.
ATTACKED = {f"test_{name.replace('.', '_')}": importlib.import_module(name) for name in NAMES}


@pytest.fixture
def api_key(
    database_url: str,
    redis_rest: RedisRest,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """A key that may do everything; the attacked application is wired, as in Lambda, by this test's environment."""
    name = request.node.name.partition("[")[0]
    environment = {
        "COUNTERPART_STAGE": "test",
        "COUNTERPART_DATABASE_URL": f"plain:{database_url}",
        "COUNTERPART_REDIS_REST_URL": redis_rest.rest_url,
        "COUNTERPART_REDIS_REST_TOKEN": f"plain:{redis_rest.token}",
        "COUNTERPART_QUEUE_URL_PREFIX": aws.queue_url_prefix,
        "COUNTERPART_KMS_KEY_ID": aws.create_kms_key(),
        "COUNTERPART_JWT_SECRET": "plain:" + "0123456789abcdef" * 2,
        "COUNTERPART_SIGN_IN_DOMAIN": "app.counterpart.test",
        "COUNTERPART_SIGN_IN_CHAINS": "evm:1,solana:mainnet",
        "COUNTERPART_LOG_LEVEL": "ERROR",
    }
    if "http_custody" in name:  # it draws up transactions, which takes a node
        node: SolanaNode = request.getfixturevalue("solana")
        environment["COUNTERPART_NETTING_RPC_URLS"] = f"plain:{node.url}"
    for variable, value in (SLICE_ENVIRONMENTS | environment).items():
        monkeypatch.setenv(variable, value)
    module = ATTACKED[name]
    deps = importlib.import_module(f"{module.__package__}.wiring").build_deps()
    deps.check()
    override_deps(module.app, deps)
    kernel: Kernel = deps.kernel
    yield kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="schemathesis", actor="a test").key
    kernel.close()
    # A probe or an RPC call that outlived its answer may have connected after that; a process would simply end.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def attack(module: ModuleType) -> Callable[..., None]:
    """A test of each operation of the module's application."""
    schema = schemathesis.openapi.from_dict(module.app.openapi(), config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = module.app

    @schema.parametrize()
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        # One database serves all examples of an operation: what one leaves behind is part of the attack on the next.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test(case: schemathesis.Case[Any], api_key: str) -> None:
        """No undocumented status, no leak, no crash, no call without a key that is answered as if it had one."""
        case.call_and_validate(headers={"X-Api-Key": api_key})

    attacking: Callable[..., None] = test
    return attacking


for _name, _module in ATTACKED.items():
    globals()[_name] = attack(_module)
