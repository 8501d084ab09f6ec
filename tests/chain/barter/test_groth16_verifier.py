"""The verifier of proofs alone: which keys it is deployed with, and what it holds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gpu.exchange.formats import BASE, VerificationKey
from gpu.exchange.formats_zkey import verification_key_of
from gpu.exchange.prove import Prover
from gpu.exchange.r1cs import FIELD
from infra.local.anvil import AnvilNode, RpcRefused
from infra.local.barter.verifier import deploy_verifier
from infra.local.evm_reading import ask
from infra.local.flare.contracts import Contract
from infra.local.flare.transactions import TransactionReverted
from tests.unit.barter.prover.worked import PUBLIC, toy_assignment, toy_key

pytestmark = pytest.mark.chain

KNOWN = toy_key().verification
#: In a transaction of its own: 21,000, the calldata, 181,000 for the pairings, 18,450 for the sum, some for the rest.
VERIFICATION_GAS_MAX = 235_000
#: On the twist, and outside the group of pairings.
OUTSIDE = (
    (1, 0),
    (
        18278151005453108793778860132295291098363647455926340152056652516292830556603,
        5912654199736721486680175016176231956195085055698687135131307249486702594212,
    ),
)


@pytest.fixture(scope="module")
def toy_verifier(barter_node: AnvilNode) -> Contract:
    """A verifier for a circuit that has nothing to do with exchanges."""
    return deploy_verifier(barter_node, KNOWN, agents=5, list_max=4)


@pytest.fixture(scope="module")
def words() -> tuple[int, ...]:
    """The words of a proof for it."""
    return Prover(toy_key()).prove(toy_assignment()).words()


def arguments(words: Sequence[int], inputs: Sequence[int]) -> tuple[Any, ...]:
    """As the contract takes them."""
    return words[0:2], (words[2:4], words[4:6]), words[6:8], inputs


def test_it_holds_a_proof_of_any_key_that_it_is_deployed_with(
    barter_node: AnvilNode, toy_verifier: Contract, words: tuple[int, ...]
) -> None:
    """And says which key, and for what size."""
    assert ask(barter_node, toy_verifier, "verifyProof", *arguments(words, PUBLIC)) == (True,)
    assert "0x" + ask(barter_node, toy_verifier, "imageID")[0].hex() == KNOWN.image_id()
    assert ask(barter_node, toy_verifier, "agents") == (5,)
    assert ask(barter_node, toy_verifier, "listMax") == (4,)


def test_it_holds_it_for_no_other_inputs(
    barter_node: AnvilNode, toy_verifier: Contract, words: tuple[int, ...]
) -> None:
    """Nor for the same ones written with the order of the field added, nor coordinates so."""
    others = [[value + (number == place) for number, value in enumerate(PUBLIC)] for place in range(3)]
    others += [[value + FIELD * (number == place) for number, value in enumerate(PUBLIC)] for place in range(3)]
    doubled = [[word + BASE * (number == place) for number, word in enumerate(words)] for place in range(8)]

    assert not any(ask(barter_node, toy_verifier, "verifyProof", *arguments(words, other))[0] for other in others)
    assert not any(ask(barter_node, toy_verifier, "verifyProof", *arguments(other, PUBLIC))[0] for other in doubled)


def test_it_holds_no_proof_of_another_key(
    barter_node: AnvilNode, groth16_verifier: Contract, words: tuple[int, ...]
) -> None:
    """The verifier of exchanges has another key."""
    assert ask(barter_node, groth16_verifier, "verifyProof", *arguments(words, PUBLIC)) == (False,)


def test_a_wrong_proof_costs_no_more_than_a_right_one(
    barter_node: AnvilNode, toy_verifier: Contract, words: tuple[int, ...]
) -> None:
    """A precompile would take all the gas that it is given."""
    off_curve = (*words[:7], words[7] ^ 1)
    right, wrong = (_used(barter_node, toy_verifier, made) for made in (words, off_curve))

    assert wrong <= right < VERIFICATION_GAS_MAX


def test_with_too_little_gas_it_says_so(barter_node: AnvilNode, toy_verifier: Contract, words: tuple[int, ...]) -> None:
    """Instead of calling a right proof wrong; so an estimate of gas finds what it takes."""
    call: dict[str, str] = _call(toy_verifier, words) | {"gas": hex(180_000)}
    with pytest.raises(RpcRefused, match="Too little gas for a proof"):
        barter_node.rpc("eth_call", call, "latest")
    call = _call(toy_verifier, words)
    call |= {"gas": barter_node.rpc("eth_estimateGas", call)}

    assert int(barter_node.rpc("eth_call", call, "latest"), 16) == 1


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (replace(KNOWN, alpha=(1, 3)), "A point of the key is off its curve"),
        (replace(KNOWN, delta=OUTSIDE), "A point of the key is off its curve"),
        (replace(KNOWN, gamma=((0, 0), (0, 0))), "A point of the key is at infinity"),
        (replace(KNOWN, ic=(*KNOWN.ic[:3], (0, 0))), "A point of the key is at infinity"),
        (replace(KNOWN, ic=(*KNOWN.ic[:3], (1, BASE + 2))), "A point of the key is off its curve"),
    ],
)
def test_an_unfit_key_is_not_deployed(barter_node: AnvilNode, unfit: VerificationKey, reason: str) -> None:
    """It would hold anything, or nothing."""
    with pytest.raises(TransactionReverted) as raised:
        deploy_verifier(barter_node, unfit, agents=5, list_max=4)

    assert raised.value.reason == reason


def test_the_verifier_of_exchanges_names_its_key(
    barter_node: AnvilNode, groth16_verifier: Contract, proving_key: bytes
) -> None:
    """By the hash of the canonical bytes."""
    told = ask(barter_node, groth16_verifier, "imageID")[0]

    assert "0x" + told.hex() == verification_key_of(proving_key).image_id()


def _call(verifier: Contract, words: Sequence[int]) -> dict[str, str]:
    return {"to": verifier.address, "data": "0x" + verifier.data("verifyProof", *arguments(words, PUBLIC)).hex()}


def _used(node: AnvilNode, verifier: Contract, words: Sequence[int]) -> int:
    """What a transaction costs that does nothing else."""
    account = node.rpc("eth_accounts")[0]
    hashed = node.rpc("eth_sendTransaction", _call(verifier, words) | {"from": account, "gas": hex(1_000_000)})
    node.mine()
    return int(node.rpc("eth_getTransactionReceipt", hashed)["gasUsed"], 16)
