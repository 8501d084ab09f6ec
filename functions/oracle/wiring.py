"""The oracle's configuration and dependencies; the only file of the slice that reads the environment."""

from __future__ import annotations

import base64
import json
import secrets as dice
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from functions.oracle.adapters.weighing import WeightRegime
from kernel.evm.fees import GWEI
from kernel.settings import FrozenSettings, SecretRef
from kernel.wiring import KernelDeps

if TYPE_CHECKING:
    from functions.oracle.adapters.anomalies import Anomalies
    from functions.oracle.adapters.evidence import Evidence
    from functions.oracle.adapters.finalising import Finalising
    from functions.oracle.adapters.flare import Flare
    from functions.oracle.adapters.intents import Intents
    from functions.oracle.adapters.latest import LatestPrices
    from functions.oracle.adapters.observatory import Observatory
    from functions.oracle.adapters.openings import Openings
    from functions.oracle.adapters.publication import Publication
    from functions.oracle.adapters.repository import Repository
    from functions.oracle.adapters.reward_desk import RewardDesk
    from functions.oracle.adapters.round_history import RoundHistory
    from functions.oracle.adapters.rounds import Rounds
    from functions.oracle.adapters.time_series import TimeSeries
    from functions.oracle.adapters.venues import Venues
    from functions.oracle.core.finalisation import FinalisationRules
    from functions.oracle.core.phases import Offsets
    from functions.oracle.core.signature import Signature
    from kernel.evm.rpc import RpcPool
    from kernel.keys.evm import Signer
    from kernel.outbox.evm import EvmOutbox, OutboxPolicy
    from kernel.wiring import Kernel

ROLE = "counterpart_oracle"
KEY_PURPOSE = "oracle-key"
#: As ccxt calls them.
DEFAULT_VENUES = (
    "binance",
    "bitfinex",
    "bitstamp",
    "bybit",
    "cryptocom",
    "gate",
    "htx",
    "kraken",
    "kucoin",
    "okx",
)


class Settings(FrozenSettings):
    """How one provider takes part in one network."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_ORACLE_")

    #: flare, songbird, coston2, coston or local: a name for logs and business keys; the calendar comes from the chain.
    network: str = Field(pattern="^[a-z0-9]{1,20}$")
    #: The number that the chain gives for itself; another one is refused.
    chain_id: int = Field(gt=0)
    #: Comma separated, in order of preference. A URL may carry a credential, hence a reference.
    rpc_urls: SecretRef
    #: FlareContractRegistry, which names all other contracts.
    registry_address: str
    #: What a vote weighs in the median. "published" follows each network's FIP-16 switch; see weighing.WeightRegime.
    weight_regime: WeightRegime = WeightRegime.PUBLISHED

    #: References to sealed keys, each a JSON object {"address": ..., "sealed": base64}.
    submit_key: SecretRef
    submit_signatures_key: SecretRef
    signing_policy_key: SecretRef

    #: Seconds after the start of the voting epoch in which the phase happens.
    commit_offset_s: float = 75
    reveal_offset_s: float = 20
    sign_offset_s: float = 48
    finalise_offset_s: float = 65
    #: How long the finaliser whom the round selected is left alone.
    finalise_grace_s: float = 20
    #: How often signatures are counted meanwhile.
    finalise_poll_s: float = 2
    #: By how much more weight a round needs after the grace, as the network has it.
    threshold_increase_bips: int = 12_000

    #: Where prices are collected, comma separated.
    venues: str = ",".join(DEFAULT_VENUES)
    #: JSON object venue -> base URL, to ask stand-ins; empty in production.
    venue_urls: str = "{}"
    #: Bases ("BTC") whose single trades are collected too, one request each, comma separated.
    trades_for: str = ""
    #: For one venue with all its requests and retries; a collection takes no longer.
    collect_deadline_s: float = Field(default=12, gt=0, le=30)
    #: How often prices are collected.
    collect_every_s: int = Field(default=20, ge=5, le=60)

    #: Where days of raw points are kept for two years; only their export needs it.
    points_bucket: str = ""

    #: Wei per gas. The base fee of Flare has been 25 gwei since its start; the cap is where an operator is called.
    fee_cap_wei: int = 1_000 * GWEI
    #: Of that, for whoever mines it.
    tip_cap_wei: int = 100 * GWEI
    #: An address that pays for submissions is alarmed below it; commits and reveals take 1.6 coins a day of Flare's.
    low_balance_wei: int = 20 * 10**18
    #: A transaction that is not mined by then is replaced at a higher fee.
    stuck_after_s: float = 6
    #: How often a sent transaction is looked for.
    confirm_every_s: float = 1

    @property
    def offsets(self) -> Offsets:
        """When the phases of a round run."""
        from functions.oracle.core.phases import Offsets

        return Offsets(
            commit_s=self.commit_offset_s,
            reveal_s=self.reveal_offset_s,
            sign_s=self.sign_offset_s,
            finalise_s=self.finalise_offset_s,
        )

    @property
    def finalisation(self) -> FinalisationRules:
        """When and how rounds are finalised."""
        from functions.oracle.core.finalisation import FinalisationRules

        return FinalisationRules(
            finalise_s=self.finalise_offset_s,
            grace_s=self.finalise_grace_s,
            poll_s=self.finalise_poll_s,
            threshold_increase_bips=self.threshold_increase_bips,
        )

    @property
    def outbox_policy(self) -> OutboxPolicy:
        """One confirmation: an accepted block of Flare is final."""
        from kernel.evm.fees import FeePolicy
        from kernel.outbox.evm import OutboxPolicy

        fees = FeePolicy(fee_cap_wei=self.fee_cap_wei, tip_cap_wei=self.tip_cap_wei)
        return OutboxPolicy(fees=fees, confirmations=1, stuck_after_s=self.stuck_after_s, poll_s=self.confirm_every_s)


class Deps(KernelDeps):
    """What the oracle's handlers use, each made when it is first asked for."""

    def __init__(self, kernel: Kernel, settings: Settings) -> None:
        super().__init__(kernel)
        self.settings = settings

    @cached_property
    def pool(self) -> RpcPool:
        """The chain's RPC endpoints."""
        from kernel.evm.rpc import RpcPool

        urls = self.kernel.secrets.resolve(self.settings.rpc_urls).get_secret_value()
        return RpcPool(urls.split(","), self.settings.chain_id, self.clock, health=self.kernel.breakers)

    @cached_property
    def flare(self) -> Flare:
        """The chain as the oracle sees it."""
        from functions.oracle.adapters.flare import Flare

        settings = self.settings
        return Flare(
            self.pool,
            settings.registry_address,
            name=settings.network,
            regime=settings.weight_regime,
            remembered=self.repository.feeds,
        )

    @cached_property
    def venues(self) -> Venues:
        """Where prices come from."""
        from functions.oracle.adapters.venues import Venues

        settings = self.settings
        return Venues(
            settings.venues.split(","),
            json.loads(settings.venue_urls),
            deadline_s=settings.collect_deadline_s,
            trades_for=_listed(settings.trades_for),
        )

    @cached_property
    def repository(self) -> Repository:
        """Prices, stored."""
        from functions.oracle.adapters.repository import Repository

        return Repository(self.kernel.postgres)

    @cached_property
    def time_series(self) -> TimeSeries:
        """Prices over time: candles, and days of raw points."""
        from functions.oracle.adapters.time_series import TimeSeries

        return TimeSeries(self.kernel, bucket=self.settings.points_bucket)

    @cached_property
    def latest(self) -> LatestPrices:
        """The newest prices, cached."""
        from functions.oracle.adapters.latest import LatestPrices

        return LatestPrices(self.kernel.cache, self.repository)

    @cached_property
    def publication(self) -> Publication:
        """The stream of prices."""
        from functions.oracle.adapters.publication import Publication

        return Publication(self.kernel.realtime)

    @cached_property
    def anomalies(self) -> Anomalies:
        """Who looks odd beside the others."""
        from functions.oracle.adapters.anomalies import Anomalies

        return Anomalies(self.kernel, self.repository)

    @cached_property
    def history(self) -> RoundHistory:
        """Voting rounds, to be read."""
        from functions.oracle.adapters.round_history import RoundHistory

        return RoundHistory(self.kernel.postgres)

    @cached_property
    def rounds(self) -> Rounds:
        """Voting rounds, to be taken part in."""
        from functions.oracle.adapters.rounds import Rounds

        return Rounds(self.kernel.postgres, self.tasks, self.outbox)

    @cached_property
    def evidence(self) -> Evidence:
        """What rounds are computed from."""
        from functions.oracle.adapters.evidence import Evidence

        return Evidence(self.flare, self.history)

    @cached_property
    def outbox(self) -> EvmOutbox:
        """Our transactions."""
        from kernel.outbox.evm import EvmOutbox

        ours = (self._submit_signer, self._deposit_signer, self._policy_signer)
        signers = {signer.address: signer for signer in ours}
        return EvmOutbox(
            self.kernel.postgres,
            self.tasks,
            self.pool,
            signers,
            self.clock,
            policy=self.settings.outbox_policy,
            switch=self.switch,
        )

    @cached_property
    def openings(self) -> Openings:
        """Seals the secrets of our commits."""
        from functions.oracle.adapters.openings import Openings

        return Openings(self.kernel.envelope, chain=self._chain, submitter=self.submitter)

    @cached_property
    def intents(self) -> Intents:
        """What we send."""
        from functions.oracle.adapters.intents import Intents

        depositor, finaliser = self._deposit_signer.address, self._policy_signer.address
        return Intents(self.flare, self.clock, submitter=self.submitter, depositor=depositor, finaliser=finaliser)

    @cached_property
    def finalising(self) -> Finalising:
        """Brings rounds to the relay."""
        from functions.oracle.adapters.finalising import Finalising

        ourselves = self._policy_signer.address
        return Finalising(self.flare, self.rounds, self.outbox, self.intents, self.clock, ourselves=ourselves)

    @property
    def window(self) -> timedelta:
        """How far back points count."""
        from functions.oracle.core.price import WINDOW_S

        return timedelta(seconds=WINDOW_S)

    @property
    def submitter(self) -> str:
        """The address that commits and reveals."""
        return self._submit_signer.address

    def dice(self) -> int:
        """A fresh random number of 256 bits."""
        return int.from_bytes(dice.token_bytes(32), "big")

    def policy_signature(self, message: bytes) -> Signature:
        """Our signature under a round's message (38 bytes), by the signing-policy key."""
        from functions.oracle.core.message import signing_digest
        from functions.oracle.core.signature import Signature

        return Signature(*self._policy_signer.sign_digest(signing_digest(message)))

    @cached_property
    def observatory(self) -> Observatory:
        """What is seen of the network."""
        from functions.oracle.adapters.observatory import Observatory

        settings = self.settings
        keys, floor_wei = (settings.submit_key, settings.signing_policy_key), settings.low_balance_wei
        return Observatory(self.kernel, lambda: self.evidence, keys=keys, floor_wei=floor_wei)

    @cached_property
    def rewards(self) -> RewardDesk:
        """Our dealings with reward epochs."""
        from functions.oracle.adapters.reward_desk import RewardDesk

        signer, sender = lambda: self._policy_signer.address, lambda: self._deposit_signer.address
        return RewardDesk(self, self.settings.registry_address, signer=signer, sender=sender)

    def check(self) -> None:
        """Refuse to start on an old schema. Wrong chains and absent keys are refused where they are first used."""
        self.kernel.check()

    @property
    def _chain(self) -> str:
        return str(self.settings.chain_id)

    @cached_property
    def _submit_signer(self) -> Signer:
        return self._signer(self.settings.submit_key)

    @cached_property
    def _deposit_signer(self) -> Signer:
        return self._signer(self.settings.submit_signatures_key)

    @cached_property
    def _policy_signer(self) -> Signer:
        return self._signer(self.settings.signing_policy_key)

    def _signer(self, reference: str) -> Signer:
        from kernel.keys.evm import EnvelopeSigner

        key = json.loads(self.kernel.secrets.resolve(reference).get_secret_value())
        sealed = base64.b64decode(key["sealed"])
        return EnvelopeSigner(
            self.kernel.envelope, sealed, purpose=KEY_PURPOSE, chain=self._chain, address=key["address"]
        )


class SubmitterDeps(Deps):
    """What the handlers that sign use."""

    def check(self) -> None:
        """Refuse to start on an old schema, without the KMS key, or on another chain."""
        self.kernel.check(keys=True)
        self.outbox.open_signers()


def build_deps() -> Deps:
    """The dependencies of one container, from the environment. Raises SettingsInvalid."""
    from kernel.wiring import Kernel

    return Deps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def build_submitter_deps() -> SubmitterDeps:
    """The same for functions that sign."""
    from kernel.wiring import Kernel

    return SubmitterDeps(Kernel.from_environment(role=ROLE), Settings.from_environment())


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
