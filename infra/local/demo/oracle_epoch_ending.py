"""How the oracle's whole show ends: rewards agreed on and claimed, everything compared, drawn and told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console

from functions.oracle.core.payload import FTSO_PROTOCOL_ID
from functions.oracle.core.reward_rules import rules_of
from functions.oracle.core.rewarded_feed import rewarded_feed
from infra.local import settings
from infra.local.demo import oracle_epoch_report as report
from infra.local.demo.oracle import proven_feeds
from infra.local.demo.oracle_epoch_charts import page
from infra.local.demo.oracle_epoch_claims import Claims
from infra.local.demo.oracle_epoch_judge import broken_promises
from infra.local.demo.oracle_epoch_picture import draw
from infra.local.demo.oracle_epoch_prices import Prices
from infra.local.demo.oracle_epoch_progress import Live
from infra.local.demo.oracle_epoch_rewards import randoms_of
from infra.local.demo.oracle_epoch_rounds import PlayedRound, Rounds
from infra.local.demo.oracle_epoch_story import Actor, Earned, ShownRound, Story
from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import read, verify_feed
from infra.local.oracle_market import OracleMarket

FOLDER: Final = settings.LOCAL / "oracle"
PATH_STEP_S: Final = 2
ANSWERED_WITHIN_S: Final = 120.0
SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is left to do once the last round is over."""

    console: Console
    market: OracleMarket
    rounds: Rounds
    live: Live
    prices: Prices
    shown: range

    @property
    def network(self) -> FlareNetwork:
        """The network it was played on."""
        return self.market.network

    def judge(self) -> list[ShownRound]:
        """Every round, after checking all of it. SceneFailed."""
        shown = [self._shown(place, number) for place, number in enumerate(self.shown, 1)]
        before = frozenset(
            name
            for number in range(self.network.timing.first_round, self.shown[0])
            if (played := self.rounds.of(number)) is not None
            for name in played.offenders
        )
        broken = [sentence for one in shown for sentence in self._broken(one, before)]
        if broken:
            raise SceneFailed("; ".join(broken))
        return shown

    def prove(self, shown: list[ShownRound]) -> int:
        """How many values of each round the chain accepts: all. SceneFailed."""
        for one in shown:
            result = self._told(0, one.played.voting_round)
            proven = [verify_feed(self.network, feed) for feed in proven_feeds(result)]
            if len(proven) != len(self.rounds.feeds) or not all(proven):
                raise SceneFailed(f"{proven.count(False)} feeds of round {one.place} were not proven on the chain")
        return len(self.rounds.feeds)

    def story(self, shown: list[ShownRound], claims: Claims) -> Story:
        """All of it."""
        shown = [self._shown(one.place, one.played.voting_round) for one in shown]
        roll, timing = shown[0].played.roll, self.network.timing
        share = {
            voter.name: weight / roll.policy.total_weight
            for voter, weight in zip(roll.voters, roll.policy.weights, strict=True)
        }
        actors = [
            Actor(number=n, name=voter.name, share=share[voter.name]) for n, voter in enumerate(self.network.voters)
        ]
        first_s, last_s = shown[0].start_s, shown[-1].start_s + timing.voting_epoch_s
        moments = range(first_s, last_s + 1, PATH_STEP_S)
        return Story(
            epoch_s=timing.voting_epoch_s,
            reveal_deadline_s=timing.reveal_deadline_s,
            feeds=self.network.inflation_feeds,
            actors=actors,
            rounds=shown,
            market=[[(t, self.prices.usd(place, t)) for t in moments] for place in range(len(self.rounds.feeds))],
            earned=self._earned(shown[0].played, claims),
            offered_wei=claims.rewards.offered_wei,
            burnt_wei=claims.rewards.burnt_wei,
        )

    def tell(self, story: Story, proven: int) -> None:
        """Tables and pictures."""
        say = self.console.print
        say(report.rounds_table(story))
        say(f"{proven} values of each round were proven on the chain.\n", highlight=False)
        say(report.feeds_table(story))
        say(report.rewards_table(story))
        say(report.rewards_line(story), highlight=False)
        for path in _kept(story):
            say(f"drawn: {path}", soft_wrap=True, highlight=False)

    def _shown(self, place: int, number: int) -> ShownRound:
        played = self.rounds.of(number)
        assert played is not None
        return ShownRound(
            place=place,
            start_s=self.rounds.record.epoch(number).start_s,
            played=played,
            steps=self.live.steps(number),
            # The last round's is chosen by the random number of a later one.
            rewarded=rewarded_feed(number, self.shown[-1], randoms_of(self.rounds, self.shown), len(self.rounds.feeds)),
        )

    def _broken(self, shown: ShownRound, before: frozenset[str]) -> list[str]:
        number, timing = shown.played.voting_round, self.network.timing
        return broken_promises(
            shown,
            [Actor(number=place, name=voter.name, share=0.0) for place, voter in enumerate(self.network.voters)],
            benched_before=before,
            chain_root=read(self.network, "Relay", "merkleRoots", FTSO_PROTOCOL_ID, number),
            told={provider.name: self._told(place, number) for place, provider in enumerate(self.market.providers)},
            epoch_s=timing.voting_epoch_s,
            reveal_deadline_s=timing.reveal_deadline_s,
        )

    def _told(self, place: int, number: int) -> dict[str, Any]:
        """A round as a deployment's own API tells it."""
        provider = self.market.providers[place]
        url = f"{provider.stack.gateway_url}/v1/oracle/rounds/{number}"

        def ask() -> dict[str, Any] | None:
            answer = httpx.get(url, timeout=60)
            if not answer.is_success and answer.status_code < SERVER_ERROR:
                raise SceneFailed(f"{provider.name} does not know round {number}: {answer.text}")
            return answer.json() if answer.is_success else None

        return wait_for(ask, f"the answer of {provider.name} about round {number}", within_s=ANSWERED_WITHIN_S)

    def _earned(self, played: PlayedRound, claims: Claims) -> dict[str, Earned]:
        paid, has_conditions = claims.paid(), rules_of(self.rounds.record.calendar).has_conditions
        rows = zip(played.roll.voters, claims.rewards.shares, strict=True)
        return {
            voter.name: Earned(
                accuracy_wei=share.accuracy_wei,
                signing_wei=share.signing_wei,
                finalising_wei=share.finalising_wei,
                penalty_wei=share.penalty_wei,
                claimed_wei=paid.get(voter.identity.address.lower(), 0),
                is_rewarded=share.standing.is_rewarded or not has_conditions,
            )
            for voter, share in rows
        }


def broken_rewards(claims: Claims, ours: list[str], refused: bool) -> list[str]:
    """What was promised of the rewards and not seen. ours: names of the deployments; refused: second claims were."""
    broken = []
    signed = claims.signed()
    if claims.chain_root != claims.root:
        broken.append("the voters agreed on another root than the scene has reckoned")
    broken += [f"{name} did not sign that root" for name in ours if signed.get(name) != claims.root]
    if claims.paid() != dict(claims.own()):
        broken.append("what the chain paid is not what was due")
    if not refused:
        broken.append("a second claim was paid")
    if sum(claim.amount for claim in claims.rewards.claims) != claims.rewards.offered_wei:
        broken.append("the claims do not add up to what was offered")
    return broken


def _kept(story: Story) -> list[Path]:
    """The overview, and the page with it and a chart a feed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    overview = draw(story)
    contents = {"epoch.svg": overview, "feeds.html": page(story, overview)}
    for name, content in contents.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return [(FOLDER / name).relative_to(settings.ROOT) for name in contents]
