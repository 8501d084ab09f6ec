"""The pool of vanity addresses: how many are missing is searched for elsewhere, and what is found is kept.

1. `top_up`, every minute: give up what is stuck; plan what is missing; for each search that is asked for make an
   X25519 pair, seal its private half under KMS, and commit it with the computation (`kernel.offload`).
2. Somebody tries keys. The result names an address, and holds its key sealed to the pair's public half; its check
   (gpu/vanity/check.py) has seen the key's own signature before it is stored.
3. `collect`: open the box, derive the address anew, compare, and seal the key under KMS for its own address. Then the
   key, the pool's row, the erased private half and the end of the task commit together.

So a found key is in clear in two memories for a moment, and nowhere else: the grinder's, and that of `collect`. Dying
before that commit loses nothing, for the box can be opened again; after it nobody can.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import SecretBytes

from functions.contests.adapters.pools import SERVICE
from functions.contests.adapters.wallets import KEY_PURPOSE
from functions.contests.core.vanity import Pattern, Place
from functions.contests.core.vanity_pool import (
    STUCK,
    TRIES_MAX,
    Event,
    Standing,
    State,
    Wanted,
    after,
    expected_tries,
    to_be_asked,
    top_ups,
)
from gpu.vanity import box
from gpu.vanity.form import KEY_BYTES, Search, public_key_of
from kernel import base58
from kernel.clock import Clock
from kernel.errors import NotFound, SettingsInvalid
from kernel.handler import count
from kernel.ids import new_id
from kernel.keys.vault import Sealing, Vault
from kernel.offload import Job, Jobs, OffloadJob
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.tasks import Done, Outcome, Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.keys.envelope import Envelope

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("vanity_pool.sql"))
FUNCTION: Final = "vanity_key"
COLLECT: Final = "contests.collect_vanity"
#: What the private half of a search's pair is sealed for.
OPENING: Final = "contests-vanity-opening"
ACTOR: Final = "contests"


class VanitySearchUnknown(NotFound):
    """No search belongs to this computation."""

    cause = "Somebody else asked for it, or its search was removed."
    remedy = "Nothing is to be done; what it found opens for nobody."


class VanityPool:
    """The pool and its searches. They are written by their own database role."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        jobs: Jobs,
        vault: Vault,
        envelope: Envelope,
        clock: Clock,
        *,
        chain: str,
        wanted: Sequence[Wanted],
    ) -> None:
        self._postgres, self._tasks, self._jobs = postgres, tasks, jobs
        self._vault, self._envelope, self._clock = vault, envelope, clock
        self._chain, self._wanted = chain, wanted

    def top_up(self) -> int:
        """Plan what is missing, and ask for what may be under way; how many searches were asked for.

        Raises KeyUnavailable, KeyServiceUnavailable.
        """
        now = self._clock.now()
        with self._postgres.transaction() as tx:
            tx.one(Q["lock_pool"])
            stuck = tx.execute(Q["fail_stuck"], before=now - STUCK, now=now)
            self._plan(tx)
            under_way = tx.one(Q["processing_searches"])["amount"]
            waiting = tx.all(Q["waiting_searches"], limit=to_be_asked(under_way))
        count("vanity_stuck", stuck)
        return sum(self._ask(row) for row in waiting)

    def collect(self, offload_job: UUID, fence: Fence) -> Outcome:
        """Take in what a search came to. One that is over already is left alone, and so is what it found.

        Raises NotFound, VanitySearchUnknown, LeaseLost, KeyUnavailable, KeyServiceUnavailable, WrongContext.
        """
        job = self._jobs.job(offload_job)
        search = self._postgres.glance.maybe(Q["search_of"], offload_job=offload_job)
        if search is None:
            raise VanitySearchUnknown(job=str(offload_job))
        if search["state"] != State.PROCESSING:
            return self._end(fence, search, {"state": search["state"]})
        if job.result is None:
            return self._fail(fence, search, job.reason or "the computation failed")
        if "address" not in job.result:
            return self._complete(fence, search, job)
        sealing = self._opened(search, job.result)
        if sealing is None:
            logger.error("A vanity key is not that of its address.", extra={"alarm": "contests.vanity_forged"})
            return self._fail(fence, search, "what was found is not the key of its address")
        return self._complete(fence, search, job, sealing)

    def _plan(self, tx: Transaction) -> None:
        now = self._clock.now()
        rows = tx.all(Q["standings"])
        there = {_pattern(row): Standing(row["free"], row["pending"], row["processing"]) for row in rows}
        for one in top_ups(self._wanted, there):
            for _ in range(one.more):
                tx.execute(Q["want_search"], id=new_id(), now=now, **_columns(one.pattern))
            if one.fewer:
                tx.execute(Q["cancel_searches"], limit=one.fewer, now=now, **_columns(one.pattern))

    def _ask(self, row: Mapping[str, Any]) -> bool:
        """Whether the search was asked for by us."""
        opening, recipient = _pair()
        sealed = self._envelope.seal(opening.get_secret_value(), **self._place(recipient))
        with self._postgres.transaction() as tx:
            asked = {"id": row["id"], "recipient": recipient, "opening": sealed, "now": self._clock.now()}
            if not tx.execute(Q["ask_search"], **asked):
                return False
            job = self._job(row["id"], _pattern(row), recipient)
            tx.execute(Q["name_offload_job"], id=row["id"], offload_job=self._jobs.submit(tx, job))
        return True

    def _job(self, search_id: UUID, pattern: Pattern, recipient: bytes) -> Job:
        from gpu.catalogue import vanity_key_work

        search = Search(**_columns(pattern), recipient=recipient, tries_max=TRIES_MAX)
        return Job(
            business_key=f"contests:vanity:{search_id}",
            service=SERVICE,
            function=FUNCTION,
            arguments=search.arguments(),
            work=vanity_key_work(expected_tries(pattern)),
            then_kind=COLLECT,
            valid_until=self._clock.now() + STUCK,
        )

    def _opened(self, search: Mapping[str, Any], result: Mapping[str, Any]) -> Sealing | None:
        """The found key, sealed for its address; None unless it is the key of an address with the pattern."""
        address, public_key = result["address"], public_key_of(result["address"])
        if public_key is None or not _pattern(search).fits(address):
            return None
        opening = SecretBytes(self._envelope.open(search["opening"], **self._place(search["recipient"])))
        try:
            seed = SecretBytes(box.opened(bytes.fromhex(result["box"]), opening.get_secret_value(), public_key))
        except box.BoxUnreadable:
            return None
        if len(seed) != KEY_BYTES:
            return None
        sealing = self._vault.seal(seed.get_secret_value(), purpose=KEY_PURPOSE, chain=self._chain)
        return sealing if sealing.address == address else None

    def _complete(
        self, fence: Fence, search: Mapping[str, Any], job: OffloadJob, sealing: Sealing | None = None
    ) -> Outcome:
        after(State(search["state"]), Event.COMPLETE)
        address = None if sealing is None else sealing.address
        tries = (job.result or {})["tries"]
        with self._postgres.transaction(holding=fence) as tx:
            row = {"id": search["id"], "tries": tries, "address": address, "now": self._clock.now()}
            is_in_time = bool(tx.execute(Q["complete_search"], **row))
            if is_in_time and sealing is not None:
                pattern = _columns(_pattern(search))
                tx.execute(Q["pool"], address=address, job=search["id"], now=self._clock.now(), **pattern)
                self._vault.store(tx, sealing, actor=ACTOR)
            told = {"state": State.COMPLETED if is_in_time else State.FAILED, "address": address, "tries": tries}
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _fail(self, fence: Fence, search: Mapping[str, Any], reason: str) -> Outcome:
        after(State(search["state"]), Event.FAIL)
        told = {"state": State.FAILED, "reason": reason}
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["fail_search"], id=search["id"], reason=reason[:1_000], now=self._clock.now())
            self._tasks.complete(tx, fence, told)
        return Done(told)

    def _end(self, fence: Fence, search: Mapping[str, Any], told: dict[str, Any]) -> Outcome:
        with self._postgres.transaction(holding=fence) as tx:
            self._tasks.complete(tx, fence, told)
        logger.info("A search was over before.", extra={"search": str(search["id"])})
        return Done(told)

    def _place(self, recipient: bytes) -> dict[str, str]:
        return {"purpose": OPENING, "chain": self._chain, "address": base58.encode(recipient)}


def vanity_pool_of(deps: Deps) -> VanityPool:
    """As this container is set up. Raises SettingsInvalid for patterns that are none."""
    kernel, settings = deps.kernel, deps.settings
    return VanityPool(
        kernel.postgres,
        kernel.tasks,
        kernel.jobs,
        kernel.vault,
        kernel.envelope,
        deps.clock,
        chain=settings.chain,
        wanted=wanted_of(settings.vanity_patterns),
    )


def wanted_of(text: str) -> list[Wanted]:
    """The patterns as the settings write them. Raises SettingsInvalid, PatternUnfit."""
    try:
        given = json.loads(text)
        if isinstance(given, list):
            return [Wanted(_pattern(one), int(one["target"])) for one in given]
        raise TypeError(type(given))
    except (KeyError, TypeError, ValueError) as unreadable:
        raise SettingsInvalid(
            "COUNTERPART_CONTESTS_VANITY_PATTERNS is no JSON list of letters, place, is_case_sensitive and target."
        ) from unreadable


def _pattern(row: Mapping[str, Any]) -> Pattern:
    return Pattern(row["letters"], Place(row["place"]), is_case_sensitive=row["is_case_sensitive"])


def _columns(pattern: Pattern) -> dict[str, Any]:
    place = str(pattern.place)
    return {"letters": pattern.letters, "place": place, "is_case_sensitive": pattern.is_case_sensitive}


def _pair() -> tuple[SecretBytes, bytes]:
    """(private, public) halves for one search."""
    private, public = box.new_opening()
    return SecretBytes(private), public
