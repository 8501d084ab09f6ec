"""Three whole voting rounds of four providers on a local Flare; one dies between commit and reveal, and recovers."""

import os
import time
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
from rich.console import Console

from functions.oracle.core.feeds import Feed as CoreFeed
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.result_leaves import feed_leaf, random_leaf
from infra.local.cloud import LocalCloud
from infra.local.demo import oracle_report as report
from infra.local.demo.sightings import Bystander
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import ProvenFeed, verify_feed
from infra.local.flare.timing import Timing
from infra.local.oracle_market import open_market
from infra.local.runner.chaos import Chaos
from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.settings import ROOT
from kernel.merkle import SortedMerkleTree

ROUNDS = 3
#: How long a round lasts, and where the machine has more to do than it has processors for. The live network takes 90 s.
ROUND_S, BUSY_ROUND_S = 12, 20
OUTAGE_S = 1.5
#: A first start of everything, two rounds and more.
REHEARSAL_ROUNDS = 8
#: Of the bundle: four copies of all of it are more than two cores can start within a round.
SERVICES = ("oracle", "ops")
HANDLERS = tuple(f"functions.oracle.{path.stem}" for path in sorted((ROOT / "functions/oracle").glob("*_*.py")))
# Some thirty containers on two cores: they are forked with the bundle's own modules imported, too.
WARM = (WARM_FIRST, (*WARM_LATER, *HANDLERS))
# SQS may deliver twice and out of order; here it does, on purpose.
CHAOS = Chaos(seed=812_576, duplicate=0.2, reorder=0.2, delay_ms=300)


def play(console: Console) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule("[bold]oracle: three voting rounds on a local Flare")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        with console.status("exchanges, chain, contracts, and four providers"):
            runner = stack.enter_context(
                Runner(cloud.environment(), chaos=CHAOS, folder=cloud.folder, children=cloud.children, warm=WARM)
            )
            market = open_market(cloud, runner, services=SERVICES, timing=_timing(console))
            market.start(*market.providers)
        network, providers = market.network, [provider.stack for provider in market.providers]
        bystander = stack.enter_context(Bystander(network))
        with console.status("a rehearsal: the first round that all four commit to, until it is finalised"):
            first = wait_for(
                partial(_rehearsed, bystander),
                "a whole round of all four providers",
                within_s=REHEARSAL_ROUNDS * network.timing.voting_epoch_s,
            )
        victim = providers[-1]
        console.print(
            f"{len(network.inflation_feeds)} feeds, as the chain's reward offers name them. Rounds {first} to "
            f"{first + ROUNDS - 1} of {network.timing.voting_epoch_s} s; {victim.name} dies in round {first + 1}."
        )
        _follow(console, bystander, first, victim)
        for voting_round in range(first, first + ROUNDS):
            _show_round(console, network, bystander, providers, voting_round)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _timing(console: Console) -> Timing:
    """Rounds are real time, so a busy machine plays longer ones."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    round_s = ROUND_S
    if load > processors:
        round_s = BUSY_ROUND_S
        console.print(f"This machine is busy (load {load:.1f}, {processors} processors): a round takes {round_s} s.")
    return Timing(voting_epoch_s=round_s, reveal_deadline_s=round_s // 2)


def _rehearsed(bystander: Bystander) -> int | None:
    """The next round to begin once one was finalised that everybody committed to: by then every container is up."""
    bystander.look()
    finalised = {sighting.voting_round for sighting in bystander.sightings if sighting.step == "finalise"}
    whole = [number for number in finalised if len(bystander.of("commit", number)) == len(bystander.network.voters)]
    return min(whole) + 2 if whole else None


def _follow(console: Console, bystander: Bystander, first: int, victim: Stack) -> None:
    """Print what appears on the chain until the last round is finalised; kill the victim on its way."""
    last, doomed = first + ROUNDS - 1, first + 1
    network = bystander.network
    killed = False

    def look() -> bool | None:
        nonlocal killed
        for sighting in bystander.look():
            if first <= sighting.voting_round <= last:
                console.print(report.sighting_line(sighting, network.timing))
        if not killed and victim.name in bystander.of("commit", doomed):
            killed = True
            _kill(console, victim)
        return bool(bystander.of("finalise", last)) or None

    wait_for(look, f"round {last}", within_s=(ROUNDS + 4) * network.timing.voting_epoch_s)


def _kill(console: Console, victim: Stack) -> None:
    """An outage between commit and reveal: every process of the provider dies, and comes back with empty memory."""
    victim.pause()
    pids = victim.kill()
    console.print(f"[bold red]  {victim.name} dies: {len(pids)} processes killed between commit and reveal.[/]")
    time.sleep(OUTAGE_S)
    victim.resume()
    console.print(f"[bold green]  {victim.name} is back; all that it needs to reveal is in Postgres, sealed.[/]")


def _show_round(
    console: Console, network: FlareNetwork, bystander: Bystander, providers: list[Stack], voting_round: int
) -> None:
    """The round as a table, after checking all of it: who did what in time, equal roots, every feed proven."""
    results = {provider.name: _result(provider, voting_round) for provider in providers}
    _require_whole(bystander, voting_round, list(results))
    result = agreed_result(results, set(bystander.of("sign", voting_round)))
    silent = [feed["symbol"] for feed in result["feeds"] if feed["value"] is None]
    if silent:
        raise SceneFailed(f"nobody had a price of {', '.join(silent)} in round {voting_round}")
    proven = [verify_feed(network, feed) for feed in proven_feeds(result)]
    if not all(proven):
        raise SceneFailed(f"{proven.count(False)} feeds of round {voting_round} were not proven on the chain")
    console.print(report.steps_table(bystander, network.timing, voting_round, [p.name for p in providers]))
    console.print(report.feeds_table(bystander, result, [p.name for p in providers]))


def agreed_result(results: dict[str, dict[str, Any]], signers: set[str]) -> dict[str, Any]:
    """The round's result, the same root at everybody who computed it; SceneFailed otherwise.

    Whoever signed has computed it. The victim may have been killed while it signed the round before its own death.
    """
    computed = {name: result for name, result in results.items() if result["merkle_root"] is not None}
    roots = {result["merkle_root"] for result in computed.values()}
    if len(roots) != 1:
        raise SceneFailed(f"the providers computed {len(roots)} different roots: {sorted(roots)}")
    if unknown := signers - set(computed):
        raise SceneFailed(f"signed without a result: {', '.join(sorted(unknown))}")
    return next(iter(computed.values()))


def _require_whole(bystander: Bystander, voting_round: int, names: list[str]) -> None:
    """Everybody committed and revealed in time, the victim too, and the round is finalised.

    A signature may be lost with the victim: others' weight suffices, and nobody is benched for it.
    """
    timing = bystander.network.timing
    for step, ends_s in {"commit": timing.voting_epoch_s, "reveal": timing.reveal_deadline_s}.items():
        seen = bystander.of(step, voting_round)
        late = [name for name in names if name not in seen or not 0 <= seen[name].offset_s < ends_s]
        if late:
            raise SceneFailed(f"no {step} in its window in round {voting_round} by {', '.join(late)}")
    if not bystander.of("finalise", voting_round):
        raise SceneFailed(f"round {voting_round} was not finalised")


def proven_feeds(result: dict[str, Any]) -> list[ProvenFeed]:
    """Each feed of a round's result with its Merkle proof; the tree must have the round's root."""
    number = result["voting_round"]
    leaves = [
        feed_leaf(number, CoreFeed(_id(feed), feed["decimals"]), feed["value"], feed["turnout_bips"])
        for feed in result["feeds"]
    ]
    tree = SortedMerkleTree(
        [*leaves, random_leaf(number, RoundRandom(int(result["random"]), result["is_secure_random"]))]
    )
    if tree.root.hex() != result["merkle_root"][2:]:
        raise SceneFailed(f"the published result of round {number} does not hash to its root")
    return [
        ProvenFeed(
            voting_round=number,
            feed_id=_id(feed),
            value=feed["value"] or 0,
            turnout_bips=feed["turnout_bips"],
            decimals=feed["decimals"],
            proof=tuple(tree.proof(leaf)),
        )
        for feed, leaf in zip(result["feeds"], leaves, strict=True)
    ]


def _id(feed: dict[str, Any]) -> bytes:
    return bytes.fromhex(feed["id"][2:])


def _result(provider: Stack, voting_round: int) -> dict[str, Any]:
    """A round as the provider's own API tells it."""
    answer = httpx.get(f"{provider.gateway_url}/v1/oracle/rounds/{voting_round}", timeout=20)
    _require(answer.is_success, f"{provider.name} does not know round {voting_round}: {answer.text}", provider)
    body: dict[str, Any] = answer.json()
    return body


def _require(holds: bool, sentence: str, provider: Stack) -> None:
    if not holds:
        raise SceneFailed(f"{sentence}; see {provider.log_path}")
