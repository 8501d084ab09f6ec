"""The oracle's world on one machine: a Flare network, exchanges, and data providers that are whole deployments.

with LocalCloud() as cloud, Runner(cloud.environment(), children=cloud.children) as runner:
    market = open_market(cloud, runner)
    market.start(*market.providers)
"""

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from functions.oracle.core.phases import LOCAL_OFFSETS
from functions.oracle.wiring import KEY_PURPOSE
from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.exchanges import server as exchanges
from infra.local.exchanges.server import ExchangeServer
from infra.local.flare.accounts import ETHER, DevAccount, Voter
from infra.local.flare.network import FlareNetwork, deploy_network
from infra.local.flare.timing import Timing
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms

CHAIN_ID = 14
# The length of the rounds that LOCAL_OFFSETS are made for; longer rounds stretch them.
OFFSETS_FIT_S = 8


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Provider:
    """One data provider: a deployment of the bundle with its own database, queues and keys."""

    voter: Voter
    stack: Stack
    database_url: str

    @property
    def name(self) -> str:
        """provider-0 and so on; also the name of its stack."""
        return self.stack.name


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OracleMarket:
    """A network and those who take part in it. Providers are made stopped."""

    flare: AnvilNode
    network: FlareNetwork
    exchanges: ExchangeServer
    providers: tuple[Provider, ...]

    def start(self, *providers: Provider) -> None:
        """Start these providers and, rather than wait for the minute, fire their schedules once."""
        for provider in providers:
            provider.stack.start()
        with ThreadPoolExecutor(max(1, len(providers))) as pool:
            list(pool.map(_fire_schedules, providers))


def open_market(
    cloud: LocalCloud,
    runner: Runner,
    *,
    vote_power_wei: Sequence[int] = (1_000_000 * ETHER,) * 4,
    timing: Timing | None = None,
    gateway_ports: Sequence[int] = (),
    services: Sequence[str] | None = None,
) -> OracleMarket:
    """Start a chain and the exchanges, deploy Flare's contracts, and make a stopped provider per vote power.

    gateway_ports: of the first providers' addresses, free ones for the rest; services: slices of each deployment.
    """
    with ThreadPoolExecutor(2) as pool:
        starting = pool.submit(exchanges.start, cloud.children)
        flare = cloud.anvil("flare", chain_id=CHAIN_ID)
        network = deploy_network(flare.url, vote_power_wei=vote_power_wei, timing=timing)
        venues = starting.result()
    ports = [*gateway_ports, *([0] * len(network.voters))]

    def provider(voter: Voter, port: int) -> Provider:
        database_url = cloud.postgres.create_migrated()
        environment = provider_environment(cloud, flare, network, voter, venues.venue_urls, database_url)
        stack = runner.stack(voter.name, environment, services=services, port=port)
        return Provider(voter=voter, stack=stack, database_url=database_url)

    providers = tuple(provider(voter, port) for voter, port in zip(network.voters, ports, strict=False))
    return OracleMarket(flare=flare, network=network, exchanges=venues, providers=providers)


def provider_environment(
    cloud: LocalCloud,
    flare: AnvilNode,
    network: FlareNetwork,
    voter: Voter,
    venue_urls: Mapping[str, str],
    database_url: str,
) -> dict[str, str]:
    """What tells a deployment of the bundle that it is `voter`; secrets and sealed keys lie in Secrets Manager."""
    secret = f"counterpart/{voter.name}"
    stretch = network.timing.voting_epoch_s / OFFSETS_FIT_S
    settings: dict[str, Any] = {
        "NETWORK": "local",
        "CHAIN_ID": network.chain_id,
        "RPC_URLS": cloud.aws.put_secret(f"{secret}/rpc-urls", ",".join(flare.proxy_urls)),
        "REGISTRY_ADDRESS": network.registry,
        "SUBMIT_KEY": _sealed(cloud, network, f"{secret}/submit-key", voter.submit),
        "SUBMIT_SIGNATURES_KEY": _sealed(cloud, network, f"{secret}/submit-signatures-key", voter.submit_signatures),
        "SIGNING_POLICY_KEY": _sealed(cloud, network, f"{secret}/signing-policy-key", voter.signing_policy),
        "COMMIT_OFFSET_S": LOCAL_OFFSETS.commit_s * stretch,
        "REVEAL_OFFSET_S": LOCAL_OFFSETS.reveal_s * stretch,
        "SIGN_OFFSET_S": LOCAL_OFFSETS.sign_s * stretch,
        "FINALISE_OFFSET_S": LOCAL_OFFSETS.finalise_s * stretch,
        "FINALISE_GRACE_S": 2 * stretch,
        "FINALISE_POLL_S": 1,
        "VENUE_URLS": json.dumps(dict(venue_urls)),
    }
    database = {"COUNTERPART_DATABASE_URL": cloud.aws.put_secret(f"{secret}/database-url", database_url)}
    return database | {f"COUNTERPART_ORACLE_{name}": str(value) for name, value in settings.items()}


def _sealed(cloud: LocalCloud, network: FlareNetwork, name: str, account: DevAccount) -> str:
    """Seal an account's key, as an operator does once, and store it; the reference."""
    envelope = Envelope(AwsKms(cloud.aws.client("kms")), cloud.environment()["COUNTERPART_KMS_KEY_ID"])
    chain = str(network.chain_id)
    sealed = envelope.seal(account.private_key, purpose=KEY_PURPOSE, chain=chain, address=account.address)
    key = {"address": account.address, "sealed": base64.b64encode(sealed).decode()}
    return cloud.aws.put_secret(name, key)


def _fire_schedules(provider: Provider) -> None:
    for function in ("cron_collect", "cron_plan_rounds"):
        fired = provider.stack.fire(function)
        if not fired.ok:
            raise ProviderStuck(provider, function, f"{fired.error_type}: {fired.error}")


class ProviderStuck(Exception):
    """A provider's schedule failed at the start."""

    def __init__(self, provider: Provider, function: str, error: str) -> None:
        super().__init__(f"{provider.name}: {function} failed: {error}; its log is {provider.stack.log_path}")
