"""Owns the intake of webhooks, of chains and of GPU functions: verified, parsed, filtered, stored, in this order.

    [{"provider": "alchemy", "secret": "secretsmanager:counterpart/live/ops/hook-alchemy"},
     {"provider": "helius", "secret": "secretsmanager:counterpart/live/ops/hook-helius", "chain": "solana:mainnet"}]

Behind a reference stand the secrets that are in use, one a line (Alchemy has one for each webhook). While one is
replaced, `previous` names where the old ones are. `chain` is that of deliveries that name none (Helius, QuickAlerts);
`networks` adds to what the provider calls its chains. `modal` stands for our own functions there (gpu/carrier.py).

1. Verify. Until a delivery is known to be genuine nothing of it is read but its size.
2. Parse. What is not of the documented form is refused: the provider shows it to the operator, and repeats it.
3. Filter by what the slices watch (`kernel.watches`); what nobody watches is dropped and acknowledged.
4. Store the tasks, all in one statement and one transaction (or wake the task that polls an offloaded job). Only
   after its commit the provider hears 200; a failure before that is an error, and the provider repeats the delivery.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.core.hooks import alchemy, helius, modal, networks, quicknode
from functions.ops.core.hooks.fields import DeliveryUnfit
from functions.ops.core.hooks.helius import SolanaNotice
from functions.ops.core.hooks.logs import EvmNotice
from functions.ops.core.hooks.modal import OffloadNotice
from functions.ops.core.hooks.signatures import CHECKS, Sent, Verdict
from kernel import strict_json
from kernel.chain_events import Delivery, EvmEvent, SolanaEvent
from kernel.errors import CounterpartError, Rejected, SecretAbsent, TooLarge, Transient
from kernel.evm.addresses import checksum
from kernel.evm.log_cursor import Watch
from kernel.handler.telemetry import count
from kernel.postgres import Transaction
from kernel.solana.program_cursor import ProgramWatch
from kernel.tasks import TaskSpec
from kernel.watches import Watches, spoken, wants
from kernel.watches.matching import LogsUnreadable
from kernel.wiring import Kernel

logger = logging.getLogger(__name__)

BODY_MAX_BYTES: Final = 1024 * 1024
#: A webhook knows no order: consumers of these look at the chain (a cursor counts from 1).
NO_SEQUENCE: Final = 0

ChainNotice = EvmNotice | SolanaNotice
Notice = ChainNotice | OffloadNotice


class HookUnknown(Rejected):
    """No webhooks of this provider are taken here."""

    status = 404
    cause = "The path names no provider that COUNTERPART_OPS_HOOKS has an entry for."
    remedy = "Add an entry for the provider to COUNTERPART_OPS_HOOKS (parameter ops_hooks), or correct the URL."


class HookSecretAbsent(Transient):
    """The secret of this provider's webhooks is not there."""

    cause = "The reference in COUNTERPART_OPS_HOOKS names a secret that is absent or empty."
    remedy = "Put the webhook's signing key (Helius: its authHeader) into the secret, one a line; deliveries repeat."
    retry_after_s = 60.0


class HookForged(Rejected):
    """The delivery is not signed by the provider."""

    status = 401
    cause = "The signature or shared secret is missing, or fits no secret in use, or the body was changed on the way."
    remedy = "Compare the webhook's signing key with the secret; after a change name the old one as `previous`."


class HookStale(Rejected):
    """The delivery was signed too long ago."""

    status = 401
    cause = "The time that the provider signed is more than five minutes from ours: it was kept back, or is replayed."
    remedy = "Nothing for a single one: the cursors find what it told. If it lasts, compare the clocks."


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery: how many events it told, and how many tasks they are, or woke."""

    events: int
    tasks: int


class Intake:
    """The intake of one container."""

    def __init__(self, kernel: Kernel, hooks: Sequence[HookSettings]) -> None:
        self._kernel, self._hooks = kernel, hooks
        self._watches = Watches(kernel.clock)

    def take(self, provider: str, headers: Mapping[str, str], body: bytes) -> Taken:
        """Turn a delivery into tasks; once this returns they are stored. Headers' names in small letters.

        Raises HookUnknown, TooLarge, HookSecretAbsent, HookForged, HookStale, DeliveryUnfit, DatabaseUnavailable.
        """
        try:
            hook = self._verified(provider, headers, body)
            notice = _read(hook, body)
        except CounterpartError as refusal:
            count("hooks_refused")
            count(f"hooks_refused_{refusal.code}")
            raise
        with self._kernel.postgres.transaction() as tx:
            taken = self._stored(tx, notice)
        count("hooks_taken")
        count("hooks_tasks", taken.tasks)
        return taken

    def _verified(self, provider: str, headers: Mapping[str, str], body: bytes) -> HookSettings:
        """The entry whose secret the delivery proves to know; every entry is tried, whichever it is."""
        hooks = [hook for hook in self._hooks if hook.provider == provider]
        if not hooks:
            raise HookUnknown(provider=provider)
        if len(body) > BODY_MAX_BYTES:
            raise TooLarge(limit_bytes=BODY_MAX_BYTES)
        sent = Sent(body=body, headers=headers, now_s=self._kernel.clock.time_s())
        verdicts = {CHECKS[provider](sent, self._keys(hook)): hook for hook in hooks}
        if Verdict.GENUINE in verdicts:
            return verdicts[Verdict.GENUINE]
        raise HookStale() if Verdict.STALE in verdicts else HookForged()

    def _keys(self, hook: HookSettings) -> list[bytes]:
        """Every secret in use, never an empty one: with that anybody could sign."""
        keys = self._lines(hook.secret)
        if not keys:
            logger.error("A webhook's secret is missing.", extra={"alarm": "hooks.secret", "provider": hook.provider})
            raise HookSecretAbsent()
        return keys + (self._lines(hook.previous) if hook.previous else [])

    def _lines(self, reference: str) -> list[bytes]:
        try:
            secret = self._kernel.secrets.resolve(reference).get_secret_value()
        except SecretAbsent:
            return []
        return [line.strip().encode() for line in secret.splitlines() if line.strip()]

    def _stored(self, tx: Transaction, notice: Notice) -> Taken:
        if isinstance(notice, OffloadNotice):
            return Taken(events=1, tasks=int(self._kernel.jobs.wake(tx, notice.job_id, notice.attempt)))
        specs = self._specs(tx, notice)
        self._kernel.tasks.enqueue(specs, tx)
        told = len(notice.events) if isinstance(notice, EvmNotice) else len(notice.transactions)
        return Taken(events=told, tasks=len(specs))

    def _specs(self, tx: Transaction, notice: ChainNotice) -> list[TaskSpec]:
        """A task for each kind and event, once."""
        now = self._kernel.clock.now()
        specs: dict[tuple[str, str], TaskSpec] = {}
        for watch, event in self._wanted(tx, notice):
            payload = Delivery(watch=watch.name, sequence=NO_SEQUENCE, event=event).to_json()
            spec = TaskSpec(kind=watch.kind, business_key=event.identity, payload=payload, run_at=now)
            specs.setdefault((spec.kind, spec.business_key), spec)
        return list(specs.values())

    def _wanted(
        self, tx: Transaction, notice: ChainNotice
    ) -> Iterator[tuple[Watch | ProgramWatch, EvmEvent | SolanaEvent]]:
        if isinstance(notice, EvmNotice):
            events = [replace(event, address=checksum(event.address)) for event in notice.events]
            for watch in self._watching(tx, notice.chain, {event.address for event in events}):
                if isinstance(watch, Watch):
                    yield from ((watch, event) for event in events if wants(watch, event))
        else:
            accounts = {account for one in notice.transactions for account in one.accounts}
            for watch in self._watching(tx, notice.chain, accounts):
                if isinstance(watch, ProgramWatch):
                    yield from ((watch, event) for event in _spoken(watch, notice))

    def _watching(self, tx: Transaction, chain: str, addresses: set[str]) -> list[Watch | ProgramWatch]:
        return self._watches.of(tx, chain, addresses) if addresses else []


def _read(hook: HookSettings, body: bytes) -> Notice:
    try:
        payload = strict_json.read(body)
    except strict_json.NotStrictJson as unfit:
        raise DeliveryUnfit("body", "is no strict JSON") from unfit
    family, _, name = (hook.chain or ":").partition(":")
    match hook.provider:
        case "alchemy":
            return alchemy.notice_of(payload, {**networks.ALCHEMY, **hook.networks})
        case "quicknode":
            known = {**networks.QUICKNODE, **hook.networks}
            return quicknode.notice_of(payload, known, int(name) if family == "evm" else None)
        case "helius":
            return helius.notice_of(payload, name if family == "solana" else "mainnet")
        case "modal":
            return modal.notice_of(payload)
    assert_never(hook.provider)


def _spoken(watch: ProgramWatch, notice: SolanaNotice) -> Iterator[SolanaEvent]:
    for one in notice.transactions:
        try:
            yield from spoken(
                watch,
                signature=one.signature,
                slot=one.slot,
                succeeded=one.succeeded,
                accounts=one.accounts,
                programs=one.programs,
                logs=one.logs,
            )
        except LogsUnreadable:
            count("hooks_logs_unreadable")
            fields = {"watch": watch.name, "signature": one.signature}
            logger.warning("A delivered log does not fit its transaction; it is left to the cursor.", extra=fields)
