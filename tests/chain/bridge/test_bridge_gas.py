"""The gas of the bridge's calls is what infra/contracts/README.md says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.bridge.core.fees import CLAIM_GAS
from functions.bridge.core.registry import Family, L2Gas, Payment, Version, chain_of, claim_call, transfer_call
from infra.local.bridge.bootloader import alias
from infra.local.bridge.world import World
from infra.local.flare.accounts import dev_account
from tests.chain.bridge.scene import AMOUNT_WEI, Scene, sent

pytestmark = pytest.mark.chain

README = Path(__file__).parents[3] / "infra" / "contracts" / "README.md"
GAS = L2Gas(limit=5_000_000, per_pubdata_byte=800)
MESSAGE_WEI = 10**16
TOLERANCE = 0.02


def published() -> dict[str, list[int]]:
    """The figures of the README's table of the bridge's gas, by row: v1, v2."""
    rows = re.findall(r"^\| ([^|]+?) \| ([\d –]+) \| ([\d –]+) \|$", README.read_text(), re.MULTILINE)
    return {name: [number(one) for one in figures if number(one)] for name, *figures in rows}


def number(cell: str) -> int:
    return int(cell.replace(" ", "").replace("–", "") or 0)


def fresh(number: int) -> str:
    return dev_account("gas", str(number)).address


class Meter:
    """Calls of one generation, and what each used."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.numbers = iter(range(100, 1_000))

    def payment(self, family: Family, recipient: str | None = None) -> Payment:
        """One that was not paid before; to a new account unless one is named."""
        order_id = next(self.numbers)
        chain = chain_of(self.scene.version, family)
        return Payment(order_id=order_id, recipient=recipient or fresh(order_id), amount_wei=AMOUNT_WEI, chain=chain)

    def pay(self, payment: Payment) -> int:
        """The gas of paying it."""
        return gas_of(self.scene.call(transfer_call(self.scene.version, payment), payment.amount_wei))

    def claim(self, family: Family, count: int) -> int:
        """The gas of claiming so many payments at once."""
        payments = [self.payment(family) for _ in range(count)]
        for payment in payments:
            self.pay(payment)
        gas = GAS if family == Family.ZKSYNC else None
        data = claim_call(self.scene.version, family, payments, gas)
        return gas_of(self.scene.call(data, MESSAGE_WEI - MESSAGE_WEI % count))

    def figures(self) -> dict[str, int]:
        """Every call, in the second of its kind: the first one writes counters that were zero."""
        known = self.scene.world.users[0].address
        self.scene.world.l1.rpc("anvil_setBalance", known, "0x1")
        for family in Family:
            self.claim(family, 1)
        found = {
            "transfer to a new account": self.pay(self.payment(Family.ZKSYNC)),
            "transfer to an account that exists": self.pay(self.payment(Family.ZKSYNC, known)),
            "claim of zkSync": self.claim(Family.ZKSYNC, 1),
            "claim of Starknet": self.claim(Family.STARKNET, 1),
        }
        if self.scene.version == Version.V2:
            for count in (2, 10):
                found[f"claim of zkSync, {count} orders"] = self.claim(Family.ZKSYNC, count)
                found[f"claim of Starknet, {count} orders"] = self.claim(Family.STARKNET, count)
        return found

    def on_l2(self) -> dict[str, int]:
        """What users and messages use of the escrow's chain."""
        world, escrow = self.scene.world, self.scene.generation.escrow
        deposits = [self.scene.lock(number) for number in range(12)]
        registry = alias(self.scene.generation.registry.address)

        def message(function: str, *arguments: object) -> int:
            return gas_of(sent(world.l2, registry, escrow.address, escrow.data(function, *arguments)))

        ids = [one.key.order_id for one in deposits]
        to = ["0x" + one.recipient.to_bytes(20, "big").hex() for one in deposits]
        amounts = [one.amount_wei for one in deposits]
        locked = world.l2.rpc("eth_getTransactionReceipt", "0x" + deposits[1].transaction_hash.hex())
        message("claim_payment", ids[0], to[0], amounts[0])
        return {
            "set_order": gas_of(locked),
            "claim_payment": message("claim_payment", ids[1], to[1], amounts[1]),
            "claim_payment_batch, 10 orders": message("claim_payment_batch", ids[2:], to[2:], amounts[2:]),
        }


def gas_of(receipt: dict[str, str]) -> int:
    assert receipt["status"] == "0x1"
    return int(receipt["gasUsed"], 16)


def test_the_readme_tells_the_gas_of_the_bridges_calls(
    start_bridge_world: Callable[..., World], database_url: str
) -> None:
    """Within two per cent, since calldata with more zeros costs less; and none costs more than is reckoned with."""
    meters = [Meter(Scene(start_bridge_world(), version, database_url=database_url)) for version in Version]
    measured: dict[str, list[int]] = {}
    for meter in meters:
        for name, gas in {**meter.figures(), **meter.on_l2()}.items():
            measured.setdefault(name, []).append(gas)

    expected = published()
    assert expected.keys() == measured.keys(), measured
    assert {} == {
        name: (gas, expected[name])
        for name, gas in measured.items()
        if any(abs(one - other) > TOLERANCE * one for one, other in zip(gas, expected[name], strict=True))
    }
    for version, nth in ((Version.V1, 0), (Version.V2, -1)):
        assert measured["claim of zkSync"][nth] <= CLAIM_GAS[version, Family.ZKSYNC]
        assert measured["claim of Starknet"][nth] <= CLAIM_GAS[version, Family.STARKNET]
