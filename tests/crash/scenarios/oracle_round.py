"""A voting round of our provider: committed once, revealed in time and never before, signed, and finalised."""

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.payload import RELAY, SUBMIT1, SUBMIT2, SUBMIT_SIGNATURES
from functions.oracle.core.submissions import decode_reveal
from tests.crash.harness.oracle_desk import (
    BEGINS_S,
    CHAIN,
    FEEDS,
    PHASES,
    REVEALED_S,
    ROUND,
    TIMING,
    Mined,
    OracleDesk,
    us,
)
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

#: When a phase's transaction may be mined: from the first second on, before the second one.
WINDOWS_S = {
    SUBMIT1: (BEGINS_S, REVEALED_S),
    SUBMIT2: (REVEALED_S, REVEALED_S + TIMING.reveal_deadline_s),
    SUBMIT_SIGNATURES: (REVEALED_S + TIMING.reveal_deadline_s, REVEALED_S + TIMING.voting_epoch_s),
    RELAY: (REVEALED_S + TIMING.reveal_deadline_s, REVEALED_S + 2 * TIMING.voting_epoch_s),
}


@scenario("oracle-round", evm=CHAIN, needs=("aws",), shares=4)
def oracle_round(world: World) -> None:
    """The phases are asked for; the handlers do them, each in its window."""
    desk = OracleDesk(world)
    world.ask(desk.ask)
    desk.work()


@oracle_round.preparation
def deploy_and_collect(world: World) -> None:
    """A network of two providers, and prices."""
    OracleDesk(world).open()


@oracle_round.verdict
def kept_its_word(world: World) -> None:
    """Each phase happened once, in its window; the reveal opens the commit; the relay keeps the root that we signed."""
    desk = OracleDesk(world)
    asked = len(world.rows("select 1 from kernel.tasks where kind = 'oracle.reveal'"))
    assert asked or not world.caller_returns, "the round was never asked for"
    mined = desk.mined()
    done = {function: [one for one in mined if one.function == function] for function in WINDOWS_S}
    if asked and may_be_missed(world) and not any(_is_timely(one) for one in done[SUBMIT1]):
        _is_no_offence(world, mined)
        return
    undone = world.rows("select kind, state, error from kernel.tasks where state <> 'done'")
    assert undone == [], undone
    assert [len(one) for one in done.values()] == [asked] * len(PHASES), mined
    outside = [one for ones in done.values() for one in ones if not _is_timely(one)]
    assert outside == [], outside
    assert len(mined) == len(PHASES) * asked, mined
    if asked:
        _opens(*done[SUBMIT1], *done[SUBMIT2])
        _is_finalised(world, desk)


def _is_timely(one: Mined) -> bool:
    begins_s, ends_s = WINDOWS_S[one.function]
    return begins_s <= one.time_s < ends_s


def may_be_missed(world: World) -> bool:
    """Whether a commit may come to nothing: fifteen seconds are too few for two deaths, or with a slow clock."""
    return world.variation.deaths > 1 or world.variation.skew_s < 0


def _is_no_offence(world: World, mined: list[Mined]) -> None:
    """Who has not committed owes nothing; a reveal that was on its way already counts for nothing, and once."""
    assert len([one for one in mined if one.function == SUBMIT2]) <= 1, mined
    (row,) = world.rows("select offenders from oracle.rounds where voting_round = %(round)s", round=ROUND)
    assert row["offenders"] == [], row


def _opens(commit: Mined, reveal: Mined) -> None:
    opening = decode_reveal(reveal.payload, len(FEEDS))
    assert opening is not None, reveal
    assert commit_hash(us().submit.address, ROUND, *opening) == commit.payload, (commit, reveal)


def _is_finalised(world: World, desk: OracleDesk) -> None:
    (row,) = world.rows("select * from oracle.rounds where voting_round = %(round)s", round=ROUND)
    assert (row["is_secure_random"], row["offenders"]) == (True, []), row
    assert desk.deps.flare.finalised_root(ROUND) == row["merkle_root"], row
    (ours,) = world.rows("select * from oracle.submissions where voting_round = %(round)s", round=ROUND)
    assert None not in ours.values(), ours
