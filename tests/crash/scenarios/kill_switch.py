"""The kill switch in the middle: what is signed goes on to its end, what is not waits, and then all is paid once."""

from contextlib import suppress
from datetime import timedelta

from kernel.treasury.switch import KillSwitch, ServiceHalted
from tests.crash.harness.evm_desk import EvmDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

SERVICE, KEYS = "ops", ("pay-1", "pay-2", "pay-3")
HALTED_UNTIL = START + timedelta(seconds=120)
#: Clocks of two machines differ by so much in the variations.
SKEW = timedelta(seconds=5)
TURNED = "select halted, changed_at from kernel.service_switches order by version"
FIRST_SIGNATURES = """
select entry.business_key, min(payload.signed_at) as at
from kernel.evm_outbox entry join kernel.evm_payloads payload on payload.entry_id = entry.id
group by entry.business_key
"""


class Operator:
    """Halts and resumes the service; what they have done already they do not do again."""

    def __init__(self, world: World) -> None:
        self.world, self.switch = world, KillSwitch(world.postgres, world.clock)

    def halt(self) -> None:
        """Let the service owe nothing new, once."""
        if not self.switch.history(SERVICE):
            self.switch.halt(SERVICE, "an operator", "a drill")

    def resume(self) -> None:
        """Let it go on."""
        with self.world.postgres.transaction() as tx:
            halted = self.switch.standing(tx, SERVICE) is not None
        if halted:
            self.switch.resume(SERVICE, "an operator", "the drill is over")


@scenario("evm-halted", evm={})
def evm_halted(world: World) -> None:
    """The first transfer is out, the second recorded, and the third refused, when an operator halts the service."""
    desk, operator = EvmDesk(world, switch=KillSwitch(world.postgres, world.clock)), Operator(world)
    world.once("blocks are held", lambda: desk.chain.rpc("evm_setAutomine", False))
    owe(desk, "pay-1")
    desk.work(until=lambda: desk.payloads("pay-1") > 0, blocks=0)
    owe(desk, "pay-2")
    operator.halt()
    owe(desk, "pay-3")
    world.once("blocks flow", lambda: desk.chain.rpc("evm_setAutomine", True))
    desk.work(until=lambda: world.clock.now() >= HALTED_UNTIL)
    operator.resume()
    owe(desk, *KEYS)
    desk.work()


@evm_halted.preparation
def fund_the_signer(world: World) -> None:
    """Its first nonce is read once in its life."""
    EvmDesk(world).open()


@evm_halted.verdict
def nothing_was_signed_while_halted(world: World) -> None:
    """Each is paid once; the second and the third were signed after the resumption."""
    EvmDesk(world).assert_each_happened_once(*KEYS)
    # An operator that slept in the middle of halting halts once more, after all is done.
    halt, resumption, *_ = world.rows(TURNED)
    assert (halt["halted"], resumption["halted"]) == (True, False)
    signed = {row["business_key"]: row["at"] for row in world.rows(FIRST_SIGNATURES)}
    early = {key: at for key, at in signed.items() if key != "pay-1" and at < resumption["changed_at"] - SKEW}
    assert early == {}, f"{early}, before {resumption}"


def owe(desk: EvmDesk, *keys: str) -> None:
    """The caller's part: one who is told that the service is halted comes back later."""
    with suppress(ServiceHalted):
        desk.world.ask(lambda: desk.owe(*keys))
