"""Every HTTP API of the bundle under schemathesis: all its checks and every boundary of a schema, with a key.

Besides come random examples of each operation: a hundred at full volume, a tenth of them in `make test`.

The applications are found by their files, functions/<slice>/http_*.py, so that a new one is attacked without anybody
remembering it; a slice whose settings have no defaults adds them to SLICE_ENVIRONMENTS. Postgres and Redis are real.
"""

import functools
import gc
import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import BaseSchema

from infra.local import settings, solana
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.solana import SolanaNode
from kernel.auth import Role, Tier
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
    "COUNTERPART_BARTER_CHAIN_ID": "1",
    "COUNTERPART_BARTER_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_BARTER_SETTLER": "0x" + "22" * 20,
    "COUNTERPART_BRIDGE_L1_CHAIN_ID": "1",
    "COUNTERPART_BRIDGE_L1_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_BRIDGE_REGISTRY_ADDRESS": "0x" + "11" * 20,
    "COUNTERPART_BRIDGE_REGISTRY_VERSION": "2",
    "COUNTERPART_BRIDGE_SIGNER": "0x" + "22" * 20,
    "COUNTERPART_BRIDGE_ORIGINS": ZKSYNC,
    "COUNTERPART_CONTESTS_CLUSTER": "localnet",
    "COUNTERPART_CONTESTS_RPC_URLS": "plain:http://rpc.invalid",
    "COUNTERPART_CONTESTS_FEE_PAYER": "1" * 32,
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
#: What draws up transactions, or looks at tokens: a cluster that is away would be the answer to everything.
ASK_SOLANA = ("functions.contests.http_admin", "functions.contests.http_whitelist", "functions.netting.http_custody")
EXAMPLES = 100 if settings.load().soak else 10
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
        # A DELETE there is that of a token, whose address it is not.
        {"include-name": "GET /v1/contests/whitelist/fee", "checks": {"unsupported_method": {"enabled": False}}},
        {"include-name": "POST /v1/contests/whitelist/gifts", "checks": {"unsupported_method": {"enabled": False}}},
        # JSON-RPC says what is wrong with a body in its own words, under status 200.
        {"include-name": "POST /barter/rpc", "checks": {"negative_data_rejection": {"enabled": False}}},
        {"include-name": "POST /v1/barter/rpc", "checks": {"negative_data_rejection": {"enabled": False}}},
    ],
}


#: Whom we attack.
APPLICATIONS = {name: importlib.import_module(name).app for name in NAMES}
OPERATIONS = [
    pytest.param(name, f"{method.upper()} {path}", id=f"{name.removeprefix('functions.')} {method.upper()} {path}")
    for name, app in APPLICATIONS.items()
    for path, methods in app.openapi()["paths"].items()
    for method in methods
]


@pytest.fixture(scope="module")
def cluster(children: Children) -> Iterator[SolanaNode]:
    """A Solana chain, on which nothing happens."""
    node = solana.start(children, name="attacked")
    yield node
    children.forget(node.child)


@pytest.fixture
def api_key(
    database_url: str,
    redis_rest: RedisRest,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    name: str,
) -> Iterator[str]:
    """A key that may do everything; the attacked application is wired, as in Lambda, by this test's environment."""
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
    if name in ASK_SOLANA:
        node: SolanaNode = request.getfixturevalue("cluster")
        environment |= {f"COUNTERPART_{part}_RPC_URLS": f"plain:{node.url}" for part in ("CONTESTS", "NETTING")}
    for variable, value in (SLICE_ENVIRONMENTS | environment).items():
        monkeypatch.setenv(variable, value)
    gc.freeze()  # what is there by now need not be looked through at the end
    container = APPLICATIONS[name].state.container
    container.replace(None)
    kernel: Kernel = container.deps().kernel
    yield kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="schemathesis", actor="a test").key
    kernel.close()
    # A probe or an RPC call that outlived its answer may have connected after that; a process would simply end.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@functools.cache
def document(name: str) -> BaseSchema:
    """What the module's application says of itself."""
    app = APPLICATIONS[name]
    schema = schemathesis.openapi.from_dict(app.openapi(), config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = app
    return schema


@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    # One database serves all examples of an operation: what one leaves behind is part of the attack on the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def send(case: schemathesis.Case[Any], api_key: str) -> None:
    """Ask once, and judge the answer."""
    case.call_and_validate(headers={"X-Api-Key": api_key})


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_attacks(name: str, operation: str, api_key: str) -> None:
    """No undocumented status, no leak, no crash, no call without a key that is answered as if it had one."""
    schema = document(name)
    attacked = schema.find_operation_by_label(operation)
    assert attacked is not None
    constants = FeedbackSources(constants_value_source=make_constants_value_source(schema))
    # `schema.parametrize` would think of every operation's attacks while tests are collected, in each process anew.
    attack = build_operation_test(
        config=schema.config, operation=attacked, test_func=send, given_kwargs={}, feedback=constants
    )

    attack(api_key=api_key)
