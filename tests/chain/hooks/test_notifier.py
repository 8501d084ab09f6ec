"""Real chains, followed by the notifier and by a cursor: both tell the same events, whatever forks."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra.local.anvil import AnvilNode
from infra.local.notices import Letter
from infra.local.notifier import Disorder, EvmFollower, Notifier, SolanaFollower
from infra.local.postgres import PostgresServer
from infra.local.solana import SolanaNode
from infra.local.webhooks import LocalWebhooks
from kernel.evm.log_cursor import Watch
from kernel.solana.program_cursor import ProgramWatch, Wanted
from tests.chain.cursors.bench import Bench
from tests.chain.cursors.emitter import Emitter
from tests.chain.cursors.stand import Stand
from tests.handlers.ops.postbox import Postbox

pytestmark = pytest.mark.chain

KIND, RECEIVER = "bridge.chain_events", "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"
WEBHOOKS = LocalWebhooks.new(31337)
DISORDER = Disorder(duplicates=0.3, reorders=0.3)


@pytest.fixture
def other_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A second database: what the cursor finds must not meet what the webhooks tell."""
    url = postgres_server.create_migrated()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def postbox(database_url: str) -> Iterator[Postbox]:
    """The intake with the local cloud's webhooks."""
    kept: dict[str, str] = {}

    def keep(name: str, secret: str) -> str:
        kept[f"ssm:{name}"] = secret
        return f"ssm:{name}"

    hooks: list[dict[str, Any]] = json.loads(WEBHOOKS.environment(keep)["COUNTERPART_OPS_HOOKS"])
    postbox = Postbox(database_url, hooks=tuple(hooks))
    for reference, secret in kept.items():
        postbox.secrets.put(reference, secret)
    yield postbox
    postbox.close()


@pytest.mark.parametrize("provider", ["alchemy", "quicknode"])
def test_webhooks_and_a_cursor_tell_the_same_events_of_a_forking_chain(
    anvil: AnvilNode, postbox: Postbox, other_database_url: str, provider: str
) -> None:
    """Blocks come, forks drop some of them: the same identities, and the same values under them."""
    stand = Stand(anvil, other_database_url)
    postbox.watch(Watch(**{name: getattr(stand.watch(), name) for name in Watch.__slots__} | {"kind": KIND}))
    webhook = WEBHOOKS.alchemy if provider == "alchemy" else WEBHOOKS.quicknode
    follower, chance = EvmFollower(anvil, webhook), random.Random(7)
    letters: list[Letter] = []
    for turn in range(6):
        stand.emitter.emit_each(1, 3, 2)
        letters += follower.news()
        stand.advance()
        stand.emitter.reorganise(1 + turn % 3, [(0, turn), (turn % 3, 2)])
        letters += follower.news()
        stand.advance()
    postbox.clock.advance(anvil_time_s(letters) - postbox.clock.time_s())
    statuses = postbox.post_all(DISORDER.applied(letters, chance))
    told = {key: payload["event"] for key, payload in postbox.tasks().items()}

    assert statuses == {200}
    assert told == {event.identity: event.to_json() for event in stand.events()}
    assert sum(event["removed"] for event in told.values()) > 6


def anvil_time_s(letters: list[Letter]) -> float:
    """When the last letter was signed, where that is told."""
    times = [int(letter.headers["x-qn-timestamp"]) for letter in letters if "x-qn-timestamp" in letter.headers]
    return float(max(times, default=1_795_176_000))


def test_webhooks_and_a_cursor_tell_the_same_transactions_of_a_cluster(
    start_solana: Callable[..., SolanaNode], postbox: Postbox, other_database_url: str
) -> None:
    """Those that failed are told by neither."""
    bench = Bench(start_solana(paused=True), other_database_url)
    watch = ProgramWatch(name="receiver", cluster="localnet", address=RECEIVER, kind=KIND, wanted=Wanted.TRANSACTIONS)
    postbox.watch(watch)
    follower = SolanaFollower(bench.node, WEBHOOKS.helius, [RECEIVER])
    letters: list[Letter] = []
    for _ in range(3):
        bench.transfer(2)
        bench.transfer(1, lamports=10**18)
        bench.node.mine(2)
        letters += follower.news()
    bench.node.finalize()
    bench.advance()
    statuses = postbox.post_all(DISORDER.applied(letters, random.Random(7)))

    assert statuses == {200}
    assert set(postbox.tasks()) == {event.identity for event in bench.heard()}
    assert postbox.count() == 6


class Told:
    """A follower whose news are these, once."""

    def __init__(self, letters: list[Letter]) -> None:
        self._letters = letters

    def news(self) -> list[Letter]:
        told, self._letters = self._letters, []
        return told


def test_what_is_not_acknowledged_is_posted_again(anvil: AnvilNode, postbox: Postbox) -> None:
    """The intake was away: the notifier comes again, as providers do, and then all is there."""
    emitter = Emitter(anvil)
    postbox.watch(Watch(name="all", chain_id=31337, addresses=(emitter.address,), kind=KIND, start_block=0))
    emitter.emit_each(2, 1)
    letters = EvmFollower(anvil, WEBHOOKS.alchemy).news()
    notifier, is_away = Notifier("http://intake.test/hooks", [Told(letters)]), True

    def answer(request: httpx.Request) -> httpx.Response:
        if is_away:
            return httpx.Response(503)
        return httpx.Response(postbox.post(Letter("alchemy", dict(request.headers), request.content))[0])

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        notifier.turn(client)
        before, is_away = (notifier.delivered, postbox.count()), False
        notifier.turn(client)

    assert before == (0, 0)
    assert (notifier.delivered, postbox.count()) == (2, 3)
