"""A market of NFTs, from its watch to its trades: followed, its phase ended, proven, posted, enacted, and over."""

from functions.barter.adapters.steps import EVENTS, LOOK, POST, PROVE, SUBMIT
from infra.local.barter.world import Phase
from kernel.treasury.reconciliation import Balanced
from tests.crash.harness.barter_desk import BarterDesk, owner, settler
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served
from tests.crash.harness.world import World

#: Three in a ring, each wishing for the next one's.
LISTS = [[1], [2], [0]]
KINDS = (LOOK, EVENTS, PROVE, POST, SUBMIT)


@scenario("barter-market", evm={"chain_id": 31337}, shares=4)
def barter_market(world: World) -> None:
    """Somebody asks for the market to be followed; schedules and handlers do the rest."""
    desk = BarterDesk(world)
    world.ask(desk.watch)
    desk.deps.indexing.newest(20.0)
    desk.deps.following.plan_missed()
    world.work({kind: Served(kind, desk.deps) for kind in KINDS}, meanwhile=world.evm.mine)


@barter_market.preparation
def fill_and_open(world: World) -> None:
    """Everybody has said a list; the time for lists is over, and nobody has said so."""
    BarterDesk(world).open(LISTS)


@barter_market.verdict
def traded_once_and_booked(world: World) -> None:
    """Each token has its next owner; one transaction ended the phase, one posted the trades, and the books say so."""
    desk = BarterDesk(world)
    watched = world.rows("select state from barter.watches")
    if not world.caller_returns and watched == []:
        assert desk.told_phases() == [Phase.RANK], "nobody asked for anything"
        return
    assert [row["state"] for row in watched] == ["over"], watched
    assert desk.owners(3) == [owner(2), owner(0), owner(1)]
    assert desk.told_phases() == [Phase.RANK, Phase.TRADE, Phase.WITHDRAW]
    jobs = world.rows("select state, journal, seal, completed_at from barter.jobs")
    assert [row["state"] for row in jobs] == ["completed"], jobs
    calls = world.rows("select purpose, state from barter.calls order by number")
    assert [tuple(row.values()) for row in calls] == [("advance", "confirmed"), ("trades", "confirmed")], calls
    assert world.evm.nonce(settler().address) == 2
    world.evm.mine(3)
    verdict = desk.checked()
    assert isinstance(verdict, Balanced), verdict
