"""Inlets over HTTP: who may look, who may declare, and what is refused."""

import json
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from kernel.auth import Role
from kernel.evm.log_cursor import Watch
from kernel.watches import Watches
from tests.handlers.ops.purse import ETHER, GWEI, Purse, fund

pytestmark = pytest.mark.chain
BOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
COLD = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
RESERVE = 21_000 * 200 * GWEI


@pytest.fixture
def wallet(purse: Purse, anvil: AnvilNode) -> str:
    """A wallet whose books are open."""
    address = purse.keep(f"evm:{anvil.chain_id}")
    fund(anvil, address, 10)
    purse.declare(f"evm:{anvil.chain_id}", address)
    purse.run()
    return address


def terms(wallet: str, **changes: Any) -> dict[str, Any]:
    told = {"chain": "evm:31337", "address": BOX.lower(), "wallet": wallet, "forward_to": COLD}
    return {**told, "least_base_units": str(ETHER), "reason": "a test", **changes}


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def test_an_inlet_is_watched_and_shown_as_declared(purse: Purse, anvil: AnvilNode, wallet: str) -> None:
    """From the block after the final one, and kept with who declared it and why."""
    anvil.mine(4)
    status, declared = purse.call("http_inlets.declare", body=terms(wallet))
    shown = purse.call("http_inlets", role=Role.OPERATOR)[1]["inlets"]
    with purse.kernel.postgres.transaction() as tx:
        [watch] = Watches().of(tx, "evm:31337", [BOX])
        [act] = tx.all("select actor, subject, details from kernel.audit_log where action = 'treasury.open_inlet'")

    assert status == 200
    assert shown == [declared]
    assert (declared["address"], declared["start_block"]) == (BOX, anvil.block_number() + 1)
    assert isinstance(watch, Watch)
    assert (watch.kind, watch.start_block) == ("ops.take_deposit", declared["start_block"])
    assert (act["subject"], json.loads(act["details"])["reason"]) == (f"inlet:evm:31337:{BOX}", "a test")


def test_other_terms_change_it_and_another_wallet_does_not(purse: Purse, anvil: AnvilNode, wallet: str) -> None:
    """It begins where it began: what came meanwhile is not lost."""
    first = purse.call("http_inlets.declare", body=terms(wallet))[1]
    anvil.mine(3)
    again = purse.call("http_inlets.declare", body=terms(wallet, forward_to=None))[1]
    other = purse.keep("evm:31337")
    purse.declare("evm:31337", other)
    purse.run()

    assert again == {**first, "forward_to": None}
    assert code(purse.call("http_inlets.declare", body=terms(other))) == (409, "inlet_taken")


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.OPERATOR])
def test_only_administrators_declare(purse: Purse, wallet: str, role: Role | None) -> None:
    """It says where money goes."""
    answer = purse.call("http_inlets.declare", role=role, body=terms(wallet))

    assert answer[0] == (401 if role is None else 403)
    assert purse.call("http_inlets")[1] == {"inlets": []}


def test_what_does_not_fit_is_refused(purse: Purse, wallet: str) -> None:
    """A least amount that a fee may eat, a wallet that is its own inlet or recipient, one that is not ours."""
    unfit = [{"least_base_units": str(RESERVE)}, {"address": wallet}, {"forward_to": wallet}]
    answers = [code(purse.call("http_inlets.declare", body=terms(wallet, **change))) for change in unfit]

    assert answers == [(422, "inlet_unfit")] * 3
    assert code(purse.call("http_inlets.declare", body=terms(COLD, forward_to=None))) == (404, "wallet_unknown")
    assert code(purse.call("http_inlets.declare", body=terms(wallet, address="0x" + "Ab" * 20))) == (
        422,
        "address_unfit",
    )
