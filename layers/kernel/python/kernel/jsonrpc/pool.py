"""Owns the pool of RPC endpoints of one chain: which of them may be believed, and whom to ask next.

1. Before its first use in a container an endpoint must name the configured chain; one that names another is left out
   for good, and one that is silent until it answers. When all name another, WrongChain says what to correct.
2. Every few seconds the heads are compared (`standings`): an endpoint behind the others is left out of reads until the
   next comparison, and one that names a head far ahead of them is distrusted for a while. Both still receive
   broadcasts: a node that lies may yet pass bytes on, and costs nothing.
3. A read goes to the first endpoint in order (`latencies`) and fails over on time-outs, connection errors, HTTP
   429/5xx and any refusal that another node may not share. A revert is an answer of the chain, raised as RpcRefused.
4. A read that moves money is `agreed`: two believed endpoints, or as many as the pool was told, must answer alike
   (`quorum`). Whoever answers otherwise is distrusted. Where nobody named a number, endpoints that have been gone for
   a while are not waited for (`roster`).
5. A broadcast goes to every endpoint of the right chain at once, and every answer comes back.
"""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from kernel.clock import Clock, SystemClock
from kernel.errors import WrongChain
from kernel.jsonrpc.endpoint import (
    MISSHAPEN,
    Call,
    Endpoint,
    EndpointUnavailable,
    RpcLimited,
    RpcRefused,
    RpcUnavailable,
)
from kernel.jsonrpc.fan import Fan
from kernel.jsonrpc.quorum import NoQuorum, Vote, counted
from kernel.jsonrpc.roster import Health, Roster, Tolerances
from kernel.jsonrpc.standings import Sight, Standing

logger = logging.getLogger(__name__)

# Two who agree: one liar is found out, and two do not fail in the same way by chance.
QUORUM: Final = 2

T = TypeVar("T")
R = TypeVar("R", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)  # no slots: Python 3.11 cannot make a subscripted generic of both
class Delivery(Generic[R]):
    """One endpoint's answer to a broadcast; neither accepted nor refused means that no answer came."""

    endpoint: str
    accepted: bool
    refusal: R | None = None
    words: str = ""


class Pool(ABC):
    """The endpoints of one chain, in order of preference. A subclass says how to tell the chain and its head."""

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock | None = None,
        *,
        chain: str,
        lag_max: int,
        lag_s_max: float,
        timeout_s: float = 3.0,
        survey_ttl_s: float = 5.0,
        grace_s: float = 0.5,
        away_s: float = 10.0,
        distrust_s: float = 300.0,
        quorum: int | None = None,
        health: Health | None = None,
    ) -> None:
        if not urls:
            raise ValueError("a pool needs at least one endpoint")
        if quorum is not None and not 1 <= quorum <= len(urls):
            raise ValueError(f"a quorum of {quorum} cannot come from {len(urls)} endpoints")
        self.chain: Final = chain
        self._clock: Clock = clock or SystemClock()
        self._endpoints = tuple(Endpoint(url, timeout_s=timeout_s) for url in urls)
        tolerances = Tolerances(lag_max=lag_max, lag_s_max=lag_s_max, away_s=away_s, distrust_s=distrust_s)
        self._roster = Roster(self._endpoints, chain, self._clock, tolerances, health)
        self._fan = Fan(len(urls), grace_s)
        self._survey_ttl_s, self._surveyed_at_s = survey_ttl_s, float("-inf")
        self._quorum = quorum
        self._is_reduced = False

    @abstractmethod
    def _is_the_chain(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint names the configured chain. May raise whatever its answer makes it raise."""

    @abstractmethod
    def _sight(self, endpoint: Endpoint) -> Sight:
        """The endpoint's head. May raise whatever its answer makes it raise."""

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return self._read(lambda endpoint: endpoint.call(method, params))

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several results of *one* node in one round trip, in order. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return list(self._read(lambda endpoint: endpoint.batch(calls)))

    def told(self, calls: Sequence[Call], read: Callable[[list[Any]], T]) -> T:
        """The same as `read` makes of it; who answers in a shape that it cannot read is passed over."""

        def ask(endpoint: Endpoint) -> T:
            answers = endpoint.batch(calls) if len(calls) > 1 else [endpoint.call(*calls[0])]
            try:
                return read(answers)
            except MISSHAPEN:
                raise EndpointUnavailable(endpoint=endpoint.name, reason="an answer of another shape") from None

        return self._read(ask)

    def told_one(self, method: str, params: Sequence[Any], read: Callable[[Any], T]) -> T:
        """The same for one call."""
        return self.told([(method, params)], lambda answers: read(answers[0]))

    def agreed(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        by: Callable[[Any], Hashable] | None = None,
        quorum: int | None = None,
    ) -> Any:
        """The result that a quorum of believed endpoints gave; None, "nothing found", counts as an answer.

        Pin the question to a block, or reduce the answers by `by` to what honest nodes share at every moment: of what
        moves with the head two honest nodes differ, and one of them would be distrusted. A `quorum` named here, as one
        named to the pool, is never reduced. Raises NoQuorum, RpcUnavailable, WrongChain, and RpcRefused for the
        chain's own refusal (a revert), or when all refuse.
        """
        compare = by or canonical
        return self.agreed_batch([(method, params)], by=lambda answers: compare(answers[0]), quorum=quorum)[0]

    def agreed_batch(
        self,
        calls: Sequence[Call],
        *,
        by: Callable[[list[Any]], Hashable] | None = None,
        quorum: int | None = None,
        blames: bool = True,
    ) -> list[Any]:
        """The same for several calls in one round trip: a quorum must give the same answers to all of them."""

        compare: Callable[[list[Any]], Hashable] = by or canonical

        def read(endpoint: Endpoint) -> list[Any]:
            return endpoint.batch(calls) if len(calls) > 1 else [endpoint.call(*calls[0])]

        return self.agreed_reading(read, about=calls[0][0], by=compare, quorum=quorum, blames=blames)

    def agreed_reading(
        self,
        read: Callable[[Endpoint], T],
        *,
        about: str,
        by: Callable[[T], Hashable],
        quorum: int | None = None,
        blames: bool = True,
    ) -> T:
        """The same for whatever `read` makes of one endpoint, which may take several calls; `about` names it in logs.

        Endpoints are read from in threads. What `read` raises counts as it does in a single call. Who is contradicted
        by a quorum is distrusted; with `blames` False not, where a stranger chooses what honest nodes differ in.
        """
        voters, needed = self._electorate(quorum)

        def ask(endpoint: Endpoint) -> Vote[Endpoint] | None:
            try:
                answer = read(endpoint)
                return Vote(endpoint, answer, by(answer))
            except RpcRefused as refused:
                # A node's own refusal (no such history, a limit) says nothing about the chain.
                return Vote(endpoint, refused, "refused", abstains=not refused.is_the_chains)
            except EndpointUnavailable as away:
                self._roster.fail(endpoint, type(away).__name__)
            except MISSHAPEN:
                pass  # an answer of another shape is no vote
            return None

        cast = self._fan.each(voters, ask, lambda votes: counted(votes, needed) is not None)
        answer = self._counted([vote for vote in cast if vote is not None], needed, about, blames=blames)
        if isinstance(answer, RpcRefused):
            raise answer
        found: T = answer
        return found

    def agreed_floor(
        self, method: str, params: Sequence[Any], *, by: Callable[[Any], int], quorum: int | None = None
    ) -> int:
        """The highest number that a quorum of believed endpoints reach, for what only ever grows: a height, a count.

        One endpoint that exaggerates changes nothing. Raises NoQuorum when too few answer; RpcUnavailable, WrongChain.
        """
        voters, needed = self._electorate(quorum)

        def ask(endpoint: Endpoint) -> int | None:
            try:
                return by(endpoint.call(method, params))
            except (EndpointUnavailable, RpcRefused, *MISSHAPEN):
                return None

        answers = self._fan.each(voters, ask, lambda numbers: len(numbers) >= needed)
        reached = sorted((number for number in answers if number is not None), reverse=True)
        if len(reached) < needed:
            raise NoQuorum(chain=self.chain, method=method, needed=needed, answered=str(len(reached)))
        return reached[needed - 1]

    def needed(self, quorum: int | None = None) -> int:
        """How many endpoints must say the same at present; what a caller names itself is never reduced."""
        named = quorum or self._quorum
        if named is not None:
            return named
        wanted = min(QUORUM, len(self._endpoints))
        needed = max(1, min(wanted, self._roster.counted()))
        if needed < wanted and not self._is_reduced:
            logger.error(
                "Too few RPC endpoints are left for a quorum; the rest is believed.",
                extra={"alarm": "rpc.quorum_reduced", "chain": self.chain, "needed": needed},
            )
        self._is_reduced = needed < wanted
        return needed

    def unreduced(self) -> int:
        """How many must say the same where a second payment hangs on it, whoever is away."""
        return self._quorum or min(QUORUM, len(self._endpoints))

    def everywhere(
        self, method: str, params: Sequence[Any], read: Callable[[Any], Any] = lambda told: told
    ) -> list[Any]:
        """What `read` makes of each believed endpoint's answer to one call.

        None, refusals, silence, and answers that it cannot read are left out.
        """
        self._survey()

        def answer(endpoint: Endpoint) -> Any:
            try:
                found = endpoint.call(method, params)
                return None if found is None else read(found)
            except (EndpointUnavailable, RpcRefused, *MISSHAPEN):
                return None

        return [found for found in self._fan.each(self._believed(), answer) if found is not None]

    def check(self) -> None:
        """Raises WrongChain when every endpoint names another chain; that nobody answers is no reason not to start."""
        with suppress(RpcUnavailable):
            self._survey()

    def readers(self) -> list[Endpoint]:
        """Whom to read from now, best first: for a reader that needs several answers of one node, and tells on it.

        Raises RpcUnavailable, WrongChain.
        """
        self._survey()
        return self._believed()

    def fail(self, endpoint: Endpoint, reason: str) -> None:
        """A reader got no answer of this endpoint."""
        self._roster.fail(endpoint, reason)

    def distrust(self, endpoint: Endpoint, why: str) -> None:
        """A reader found that this endpoint tells what is not so."""
        self._roster.distrust(endpoint, why)

    def standings(self) -> list[tuple[str, Standing]]:
        """The host of each endpoint and what the pool thinks of it, as configured, for /health."""
        return [(endpoint.name, standing) for endpoint, standing in self._roster.standings.items()]

    def close(self) -> None:
        """Let go of connections and threads; the next call makes new ones."""
        for endpoint in self._endpoints:
            endpoint.close()
        self._fan.close()

    def deliver(self, send: Callable[[Endpoint], Delivery[R] | None]) -> list[Delivery[R]]:
        """Each proven endpoint's answer to `send`, asked all at once; who is silent neither accepts nor refuses.

        Raises only WrongChain, and RpcUnavailable when no endpoint has ever proved to be of the right chain.
        """
        self._survey()
        receivers = self._roster.proven()
        answers = self._fan.each(receivers, send)
        silent: list[Delivery[R]] = [Delivery(endpoint=endpoint.name, accepted=False) for endpoint in receivers]
        return [answer or nothing for answer, nothing in zip(answers, silent, strict=True)]

    def _read(self, ask: Callable[[Endpoint], T]) -> T:
        self._survey()
        refused: RpcRefused | None = None
        for endpoint in self._believed():
            try:
                return ask(endpoint)
            except EndpointUnavailable as away:
                self._roster.fail(endpoint, type(away).__name__)
            except RpcRefused as refusal:
                if refusal.is_the_chains:
                    raise
                refused = refusal
        # Nobody answered: whoever was left out before may be the one that lives.
        self._surveyed_at_s = float("-inf")
        if refused is not None and not refused.is_a_limit:
            raise refused
        raise RpcUnavailable(**self._whose()) if refused is None else RpcLimited(**self._whose())

    def _believed(self) -> list[Endpoint]:
        """Whom to read from, best first; if nobody is fit, the first one that is of the right chain."""
        return self._roster.believed() or self._roster.proven()[:1]

    def _electorate(self, quorum: int | None) -> tuple[list[Endpoint], int]:
        """Who is asked in a read that moves money, and how many of them must answer alike."""
        self._survey()
        if len(self._roster.believed()) < self.needed(quorum):
            self._surveyed_at_s = float("-inf")  # whoever was left out a moment ago may be back
            self._survey()
        return self._believed(), self.needed(quorum)

    def _counted(self, votes: Sequence[Vote[Endpoint]], needed: int, method: str, *, blames: bool) -> Any:
        """The answer that stands, and what the other answers cost those who gave them."""
        result = counted(votes, needed)
        if result is None:
            if votes and all(vote.abstains for vote in votes):
                return votes[0].answer
            answered = ", ".join(vote.endpoint.name for vote in votes if not vote.abstains)
            raise NoQuorum(chain=self.chain, method=method, needed=needed, answered=answered)
        for endpoint in result.lying if blames else ():
            self._roster.distrust(endpoint, f"a quorum contradicts its answer to {method}")
        for endpoint in result.doubtful if blames else ():
            self._roster.doubt(endpoint, method)
        for endpoint in result.agreeing:
            self._roster.trust(endpoint)
        return next(vote.answer for vote in votes if vote.endpoint == result.agreeing[0])

    def _survey(self) -> None:
        """Points 1 and 2 of the module: whose chain it is, and whose head is fresh; at most once in `survey_ttl_s`."""
        asked = self._roster.asked()
        if not asked:
            raise self._nobody()
        alone = asked == self._roster.proven() and len(asked) == 1  # a lone endpoint cannot be behind anybody
        now_s = self._clock.time_s()
        if alone or now_s - self._surveyed_at_s < self._survey_ttl_s:
            return
        sights = dict(zip(asked, self._fan.each(asked, self._seen), strict=True))
        proven = self._roster.proven()
        for one in self._roster.asked():
            if one not in proven:
                self._roster.fail(one, "no chain id")  # other containers need not find that out, too
        if not proven:
            # Nobody has proved to be of the right chain: better no answer than the answer of another chain.
            raise self._nobody()
        self._surveyed_at_s = now_s
        self._roster.compare({one: sights.get(one) for one in proven})

    def _seen(self, endpoint: Endpoint) -> Sight | None:
        """The endpoint's head, once it has proved to be of the right chain."""
        standings = self._roster.standings
        try:
            if standings[endpoint] == Standing.INITIALIZING:
                right = self._is_the_chain(endpoint)
                standings[endpoint] = Standing.DEGRADED if right else Standing.WRONG_CHAIN
            if standings[endpoint] == Standing.WRONG_CHAIN:
                return None
            began_s = self._clock.time_s()
            sight = self._sight(endpoint)
        except (EndpointUnavailable, RpcRefused, *MISSHAPEN):
            return None  # Also for a result of another shape: one broken provider must not speak for the others.
        self._roster.latencies.add(endpoint, self._clock.time_s() - began_s)
        return sight

    def _nobody(self) -> WrongChain | RpcUnavailable:
        if set(self._roster.standings.values()) == {Standing.WRONG_CHAIN}:
            return WrongChain(**self._whose(), endpoints=", ".join(host for host, _ in self.standings()))
        return RpcUnavailable(**self._whose())

    def _whose(self) -> dict[str, Any]:
        """The chain, for the details of an error."""
        return {"chain": self.chain}


def canonical(answer: Any) -> Hashable:
    """What is compared of an answer unless the caller says otherwise: all of it, whatever the order of its fields."""
    return None if answer is None else json.dumps(answer, sort_keys=True)
