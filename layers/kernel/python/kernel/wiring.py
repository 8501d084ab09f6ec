"""Owns the assembly of the kernel's rooms for one container, each made when it is first asked for.

A slice's wiring.py adds what is its own:

    class Deps(KernelDeps):            # offers .kernel .clock .tasks .authenticator .switch .cors_origins .check()
        @cached_property
        def repository(self) -> Repository:
            return Repository(self.kernel.postgres)

    def build_deps() -> Deps:
        return Deps(Kernel.from_environment(role="counterpart_oracle"))

Tests give Deps a kernel.testing.kernel.FakedKernel instead.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from pydantic import SecretStr

from kernel.clock import Clock, SystemClock
from kernel.errors import SettingsInvalid
from kernel.handler.telemetry import logger
from kernel.postgres import Postgres
from kernel.secrets import AwsSecrets, Secrets
from kernel.settings import PLAIN_STAGES, KernelSettings
from kernel.tasks import Queues, SqsSender, Tasks

if TYPE_CHECKING:
    from kernel.auth import ApiKeys, Authenticator, Tokens
    from kernel.auth.nonces import Nonces
    from kernel.auth.people import People
    from kernel.auth.wallets import WalletSignIn
    from kernel.breaker import Board, Breakers
    from kernel.cache import Cache
    from kernel.keys.envelope import Envelope
    from kernel.keys.kms import Kms
    from kernel.keys.vault import Vault
    from kernel.offload.asking import Jobs
    from kernel.offload.objects import Objects
    from kernel.pinning import ContentStore, Pinning, Sources
    from kernel.ratelimit import Limiter
    from kernel.realtime import Publisher, Registry
    from kernel.solana.pool import SolanaPool
    from kernel.treasury import KillSwitch
    from kernel.upstash import Upstash
    from kernel.webhooks import Webhooks

_WITH_TLS: Final = re.compile(r"[?&\s]sslmode=(require|verify-ca|verify-full)\b")


class Kernel:
    """The kernel of one container. What a handler does not touch is neither built nor resolved."""

    def __init__(
        self,
        settings: KernelSettings,
        *,
        role: str | None = None,
        clock: Clock | None = None,
        secrets: Secrets | None = None,
        sender: Queues | None = None,
        cache: Cache | None = None,
        limiter: Limiter | None = None,
        kms: Kms | None = None,
        board: Board | None = None,
        publisher: Publisher | None = None,
        content: ContentStore | None = None,
        objects: Objects | None = None,
    ) -> None:
        """role: the slice's database role, for every transaction. The others replace what AWS and Upstash do."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._given_clock, self._board = clock, board
        self.secrets: Secrets = secrets or self._aws_secrets()
        self._role = role
        self._sender, self._cache, self._limiter, self._kms = sender, cache, limiter, kms
        self._publisher, self._content, self._objects = publisher, content, objects
        logger.setLevel(settings.log_level)

    @classmethod
    def from_environment(cls, *, role: str | None = None) -> Self:
        """The kernel as this process's environment describes it. Raises SettingsInvalid."""
        return cls(KernelSettings.from_environment(), role=role)

    @cached_property
    def postgres(self) -> Postgres:
        """The database."""
        return Postgres(self._database_url, self.clock, role=self._role)

    @cached_property
    def tasks(self) -> Tasks:
        """Durable work."""
        return Tasks(self.postgres, self.queues, self.clock)

    @cached_property
    def queues(self) -> Queues:
        """Where messages about tasks go."""
        return self._sender or SqsSender(self.settings.queue_url_prefix)

    @cached_property
    def upstash(self) -> Upstash:
        """Redis: one connection for all who ask it."""
        from kernel.upstash import Upstash

        token = self.secrets.resolve(self.settings.redis_rest_token).get_secret_value()
        return Upstash(self.settings.redis_rest_url, token)

    @cached_property
    def cache(self) -> Cache:
        """What may be lost."""
        from kernel.cache import UpstashCache

        return self._cache or UpstashCache(self.upstash)

    @cached_property
    def limiter(self) -> Limiter:
        """Sliding minutes."""
        from kernel.ratelimit import UpstashLimiter

        return self._limiter or UpstashLimiter(self.upstash, self.clock)

    @cached_property
    def breakers(self) -> Breakers:
        """Circuit breakers, on a connection of their own: verdicts are told also while a transaction is open."""
        from kernel.breaker import TUNABLES, Breakers, Policies, UpstashBoard
        from kernel.breaker.breakers import STATEMENT_TIMEOUT_S
        from kernel.breaker.lifecycle import Circuit
        from kernel.breaker.news import news_of
        from kernel.tunables import Tunables

        postgres = Postgres(
            self._database_url,
            self.clock,
            role=self._role,
            statement_timeout_s=STATEMENT_TIMEOUT_S,
        )
        board = self._board or UpstashBoard(self.upstash)
        # Without a clock of tests the stores' own time rules, since containers' clocks differ.
        policies = Policies(Tunables(postgres, TUNABLES, self.clock))

        def tell(circuit: Circuit) -> None:
            # A circuit may change with every version, also back: each is a message of its own.
            key = f"dependency/{circuit.dependency}/{circuit.version}"
            self.realtime.publish("system", news_of(circuit), key=key)

        return Breakers(postgres, board, self._given_clock, policies, tell=tell)

    @cached_property
    def registry(self) -> Registry:
        """Who is connected, and reads what."""
        from kernel.realtime import Registry

        return Registry(self.upstash)

    @cached_property
    def realtime(self) -> Publisher:
        """News for those who are connected; fanned out by queue messages, so that nobody waits for clients."""
        from kernel.realtime import Realtime

        return self._publisher or Realtime(self.registry, self.queues, self.clock)

    @cached_property
    def webhooks(self) -> Webhooks:
        """News for those whom we call."""
        from kernel.webhooks import Webhooks

        return Webhooks(self.tasks, self.clock)

    @cached_property
    def objects(self) -> Objects:
        """The bucket of offloaded jobs' inputs and outputs."""
        from kernel.offload.objects import S3Objects

        return self._objects or S3Objects(self.settings.offload_bucket)

    @cached_property
    def jobs(self) -> Jobs:
        """Computations that may run elsewhere; the ops slice drives them."""
        from kernel.offload.asking import Jobs

        return Jobs(self.postgres, self.tasks, self.objects, self.clock)

    @cached_property
    def content(self) -> ContentStore:
        """The bucket of pinned content."""
        from kernel.pinning import S3Store

        return self._content or S3Store(self.settings.pins_bucket)

    @cached_property
    def content_sources(self) -> Sources:
        """Whoever may have pinned content."""
        from kernel.pinning import Sources
        from kernel.pinning.gateways import Gateway
        from kernel.pinning.sources import Bucket

        is_local = self.settings.stage in PLAIN_STAGES
        gateways = [Gateway(url, plain_allowed=is_local) for url in self.settings.pin_gateways]
        return Sources([Bucket(self.content), *gateways], self.breakers)

    @cached_property
    def pinning(self) -> Pinning:
        """Content that anybody can check."""
        from kernel.pinning import Pinning

        wanted = self.settings.pins_wanted
        return Pinning(self.postgres, self.content, self.content_sources, self.tasks, self.clock, wanted=wanted)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """API keys."""
        from kernel.auth import ApiKeys

        return ApiKeys(self.postgres, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        """Sessions."""
        from kernel.auth import Tokens

        previous = self.settings.jwt_secret_previous
        return Tokens(
            self.secrets.resolve(self.settings.jwt_secret),
            self.secrets.resolve(previous) if previous else None,
            self.clock,
        )

    @cached_property
    def nonces(self) -> Nonces:
        """Nonces of sign-ins."""
        from kernel.auth.nonces import Nonces

        return Nonces(self.postgres, self.clock)

    @cached_property
    def people(self) -> People:
        """What each wallet may."""
        from kernel.auth.people import People

        return People(self.postgres, self.clock)

    @cached_property
    def sign_in(self) -> WalletSignIn:
        """Sign-in with a wallet. Raises SettingsInvalid where the settings name no domain."""
        from kernel.auth.wallets import Place, WalletSignIn

        chains = [chain.strip() for chain in self.settings.sign_in_chains.split(",") if chain.strip()]
        place = Place(domain=self.settings.sign_in_domain, chains=chains)
        return WalletSignIn(self.nonces, self.people, self.tokens, self.clock, place)

    @cached_property
    def authenticator(self) -> Authenticator:
        """Admission of callers."""
        from kernel.auth import Authenticator

        return Authenticator(self.api_keys, self.tokens, self.limiter)

    @cached_property
    def key_service(self) -> Kms:
        """Where data keys come from."""
        from kernel.keys.kms import AwsKms

        return self._kms or AwsKms()

    @cached_property
    def envelope(self) -> Envelope:
        """Secrets at rest."""
        from kernel.keys.envelope import Envelope

        return Envelope(self.key_service, self.settings.kms_key_id)

    @cached_property
    def vault(self) -> Vault:
        """Signing keys at rest."""
        from kernel.keys.vault import Vault

        return Vault(self.postgres, self.envelope, self.clock)

    def solana_pool(self, rpc_urls: str, cluster: str, *, genesis_hash: str | None = None) -> SolanaPool:
        """A cluster's RPC endpoints. rpc_urls: behind this reference, separated by blanks or line ends."""
        from kernel.solana.pool import SolanaPool

        urls = self.secrets.resolve(rpc_urls).get_secret_value().split()
        return SolanaPool(urls, cluster, self.clock, genesis_hash=genesis_hash, health=self.breakers)

    def close(self) -> None:
        """Give back the connections there are: before a snapshot, and after a test; other containers just stop."""
        rooms = ("postgres", "upstash", "breakers", "queues", "key_service", "content", "objects")
        for room in (*rooms, "secrets", "content_sources"):
            close = getattr(vars(self).get(room), "close", None)
            if close is not None:
                close()

    def check(self, *, keys: bool = False) -> None:
        """Refuse to start on an old schema and, for functions that open envelopes, without the KMS key.

        Raises PendingMigration, KeyUnavailable, DatabaseUnavailable, KeyServiceUnavailable.
        """
        self.postgres.check_schema()
        if keys:
            self.envelope.check()

    def _aws_secrets(self) -> Secrets:
        if self.settings.secrets_from == "store":
            return AwsSecrets(self.settings.stage, self.clock)
        from kernel.secrets.extension import Extension

        extension = Extension(self.settings.secrets_extension_port)
        return AwsSecrets(self.settings.stage, self.clock, extension=extension)

    def _database_url(self) -> SecretStr:
        """Where the database is; told anew for each connection. Raises SettingsInvalid for one that takes no TLS."""
        url = self.secrets.resolve(self.settings.database_url)
        if self.settings.stage not in PLAIN_STAGES and not _WITH_TLS.search(url.get_secret_value()):
            raise SettingsInvalid("The database's address must say sslmode=require, verify-ca or verify-full.")
        return url


class KernelDeps:
    """What every slice's dependencies offer the handlers' decorators; a slice adds its own as cached properties."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    @property
    def clock(self) -> Clock:
        """The present."""
        return self.kernel.clock

    @property
    def tasks(self) -> Tasks:
        """Durable work."""
        return self.kernel.tasks

    @property
    def authenticator(self) -> Authenticator:
        """Admission of callers."""
        return self.kernel.authenticator

    @cached_property
    def switch(self) -> KillSwitch:
        """The kill switch of each service."""
        from kernel.treasury.switch import KillSwitch

        return KillSwitch(self.kernel.postgres, self.clock)

    @property
    def cors_origins(self) -> list[str]:
        """Browser origins that may call the API."""
        return self.kernel.settings.allowed_origins

    def check(self) -> None:
        """Refuse a start that cannot end well; runs once per container. Raises what Kernel.check raises."""
        self.kernel.check()

    def close(self) -> None:
        """Give back the connections there are, the slice's own first."""
        for room in (*(one for one in vars(self).values() if one is not self.kernel), self.kernel):
            close = getattr(room, "close", None)
            if close is not None:
                close()
