"""The chains' notifier: follows local nodes as providers do, and posts genuine deliveries to the intake.

with Notifier(f"{stack.gateway_url}/hooks", [EvmFollower(node, webhook)]):
    ...

A provider repeats what was not acknowledged, delivers some twice, and keeps no order: `Disorder` does so on purpose.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import httpx

from infra.local.anvil import AnvilNode, RpcRefused
from infra.local.notices import Alchemy, Helius, Json, Letter, QuickNode
from infra.local.solana import SolanaNode

#: Deeper reorganisations than this are not told: no provider tells them.
REMEMBERED_BLOCKS: Final = 256
OK: Final = 200
#: As many repetitions as a provider is good for.
TRIES_MAX: Final = 20


class Follower(Protocol):
    """Something whose news are told."""

    def news(self) -> Sequence[Letter]:
        """What happened since the last call."""
        ...


@dataclass(frozen=True, slots=True)
class Sighted:
    """A block and its logs."""

    number: int
    hash: str
    logs: tuple[Json, ...]


class EvmFollower:
    """An EVM node's blocks: the logs of each new one, and those of each dropped one as taken back."""

    def __init__(
        self, node: AnvilNode, webhook: Alchemy | QuickNode, *, addresses: Sequence[str] = (), start_block: int = 0
    ) -> None:
        """addresses: those that the webhook is set up for; all of them by default."""
        self._node, self._webhook, self._addresses = node, webhook, list(addresses)
        self._start_block = start_block
        self._sighted: deque[Sighted] = deque(maxlen=REMEMBERED_BLOCKS)

    def news(self) -> list[Letter]:
        """A letter for each block that has logs, dropped ones first. A block that goes while it is read comes later."""
        letters: list[Letter] = []
        try:
            while self._sighted and self._hash_at(self._sighted[-1].number) != self._sighted[-1].hash:
                letters += self._letters(self._sighted.pop(), removed=True)
            for number in range(self._next(), self._node.block_number() + 1):
                self._sighted.append(self._block(number))
                letters += self._letters(self._sighted[-1], removed=False)
        except (RpcRefused, LookupError):
            pass  # the chain was reorganised under our hands; the next turn sees it
        return letters

    def _next(self) -> int:
        return self._sighted[-1].number + 1 if self._sighted else self._start_block

    def _hash_at(self, number: int) -> str | None:
        block = self._node.rpc("eth_getBlockByNumber", hex(number), False)
        return None if block is None else str(block["hash"])

    def _block(self, number: int) -> Sighted:
        block_hash = self._hash_at(number)
        if block_hash is None:
            raise LookupError(number)
        wanted: dict[str, Any] = {"blockHash": block_hash}
        if self._addresses:
            wanted["address"] = self._addresses
        return Sighted(number, block_hash, tuple(self._node.rpc("eth_getLogs", wanted)))

    def _letters(self, block: Sighted, *, removed: bool) -> Iterator[Letter]:
        if not block.logs:
            return
        if isinstance(self._webhook, Alchemy):
            yield self._webhook.block(block.number, block.hash, block.logs, removed=removed)
        else:
            told = [{**log, "removed": removed} for log in block.logs]
            yield self._webhook.stream([told], time.time(), dataset="logs")


class SolanaFollower:
    """A cluster's transactions that name an address of a raw webhook."""

    def __init__(self, node: SolanaNode, webhook: Helius, addresses: Sequence[str]) -> None:
        self._node, self._webhook = node, webhook
        self._newest: dict[str, str | None] = dict.fromkeys(addresses)

    def news(self) -> list[Letter]:
        """A letter for each confirmed transaction, the oldest first."""
        return [letter for address in self._newest for letter in self._of(address)]

    def _of(self, address: str) -> Iterator[Letter]:
        until: Mapping[str, str] = {"until": newest} if (newest := self._newest[address]) else {}
        lines = self._node.rpc("getSignaturesForAddress", address, {"commitment": "confirmed", **until})
        for line in reversed(lines):
            form = {"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
            found = self._node.rpc("getTransaction", line["signature"], form)
            if found is None:
                return  # not told yet: from here on in the next turn
            self._newest[address] = line["signature"]
            yield self._webhook.raw([found])


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """What becomes of letters on the way: shares from 0 to 1 of those that come twice, and of those that come late."""

    duplicates: float = 0.0
    reorders: float = 0.0
    #: How many others overtake a late one at most.
    reach: int = 50

    def applied(self, letters: Sequence[Letter], chance: random.Random) -> list[Letter]:
        """The letters as they arrive."""
        placed: list[tuple[float, Letter]] = []
        for place, letter in enumerate(letters):
            late = chance.randint(2, self.reach) if chance.random() < self.reorders else 0
            placed.append((place + late, letter))
            if chance.random() < self.duplicates:
                placed.append((place + chance.randint(0, self.reach) + 0.5, letter))
        return [letter for _, letter in sorted(placed, key=lambda one: one[0])]


class Notifier:
    """Posts the news of its followers until it is closed; a context manager."""

    def __init__(
        self,
        url: str,
        followers: Sequence[Follower],
        *,
        disorder: Disorder | None = None,
        every_s: float = 0.5,
        seed: int = 1,
    ) -> None:
        """url: the intake's, up to `/hooks`."""
        self.delivered, self.refused = 0, 0
        self._url, self._followers, self._every_s = url, followers, every_s
        self._disorder, self._chance = disorder or Disorder(), random.Random(seed)
        self._waiting: deque[tuple[Letter, int]] = deque()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def turn(self, client: httpx.Client) -> None:
        """Gather the news and post them, with what was not acknowledged before."""
        news = [letter for follower in self._followers for letter in follower.news()]
        self._waiting.extend((letter, 1) for letter in self._disorder.applied(news, self._chance))
        for _ in range(len(self._waiting)):
            letter, tries = self._waiting.popleft()
            if self._is_acknowledged(client, letter):
                self.delivered += 1
            elif tries < TRIES_MAX:
                self._waiting.append((letter, tries + 1))
            else:
                self.refused += 1

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def _run(self) -> None:
        with httpx.Client(timeout=30.0) as client:
            while not self._closed.wait(self._every_s):
                try:
                    self.turn(client)
                except (httpx.HTTPError, OSError):
                    continue  # a node is away for the moment: its news wait for it

    def _is_acknowledged(self, client: httpx.Client, letter: Letter) -> bool:
        try:
            answer = client.post(f"{self._url}/{letter.provider}", content=letter.body, headers=dict(letter.headers))
        except httpx.HTTPError:
            return False
        return answer.status_code == OK

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
