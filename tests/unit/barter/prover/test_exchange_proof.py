"""The offloaded function: what it takes, what it gives, and what its check has against anything else."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from functions.barter.core.journal import Market, bound_words, challenge, evaluation
from functions.barter.core.words import from_bytes
from gpu.catalogue import exchange_proof_work, find, problem_of
from gpu.exchange import check, prove
from gpu.exchange.circuit import system
from gpu.exchange.circuit_shape import Shape
from gpu.exchange.form import ResultUnfit, request_of, seal_of
from gpu.exchange.prove import KeyAbsent
from gpu.refusals import InputRefused
from kernel.offload import Computed
from tests.unit.barter.prover.worked import market, market_proof, market_zkey, toy_key

pytestmark = pytest.mark.unit

ADDRESS = bytes.fromhex("ab" * 20)


def flipped(number: str) -> str:
    return hex(int(number, 16) ^ 1)


def test_a_proof_stands_its_check() -> None:
    """As the catalogue has both."""
    computed = Computed("exchange_proof", market(), market_proof(), None, lambda: None)

    assert find("exchange_proof") is prove.run
    assert problem_of(computed) is None


@pytest.mark.parametrize("seed", range(4))
def test_it_is_bound_as_the_slice_and_the_contract_bind_it(seed: int) -> None:
    """To W, r and v of the market; the two were written apart."""
    dice = Random(seed)
    agents, commitment = dice.randint(1, 40), dice.getrandbits(250)
    allocation, lists = dice.sample(range(agents), agents), [dice.getrandbits(16 * 12) for _ in range(agents)]
    asked = market() | {
        "size": 40,
        "list_max": 16,
        "agents": agents,
        "trade_block": seed,
        "lists": [hex(word) for word in lists],
        "allocation": [item + 1 for item in allocation],
        "positions": [16] * agents,
        "labels": [1] * agents,
    }
    of = Market(chain_id=31_337, address=ADDRESS, trade_block=seed, agents=agents, list_max=16)
    words = bound_words(lists, allocation, 40)
    r = challenge(of, commitment, words)

    assert request_of(asked).words() == words
    assert request_of(asked).inputs(commitment) == (commitment, r, evaluation(words, r))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agents", 2),
        ("agents", 3.0),
        ("chain_id", -1),
        ("trade_block", True),
        ("size", 1),
        ("list_max", 22),
        ("address", "0xAG"),
        ("address", "ab" * 20),
        ("address", None),
        ("lists", 5),
        ("image_id", "0x" + "0" * 65),
        ("lists", ["0x0", "0x0"]),
        ("lists", ["0x1000000", "0x0", "0x0"]),
        ("allocation", [1, 1, 3]),
        ("allocation", [0, 1, 2]),
        ("positions", [3, 0, 0]),
        ("labels", [0, 1, 1]),
        ("labels", [1, 1]),
        ("unknown", 1),
    ],
)
def test_what_cannot_be_proven_is_refused(name: str, value: Any) -> None:
    """As it would be every time."""
    with pytest.raises(InputRefused):
        request_of({**market(), name: value})


def test_a_wrong_certificate_is_refused() -> None:
    """A position or a label that does not show the allocation."""
    wrongs: list[tuple[str, list[int]]] = [("positions", [1, 0, 2]), ("positions", [0, 0, 0]), ("labels", [1, 1, 1])]
    for name, wrong in wrongs:
        with pytest.raises(InputRefused, match="compute the certificate anew"):
            prove.run({**market(), name: wrong}, market_zkey())


def test_a_key_that_the_contract_does_not_have_is_refused() -> None:
    """Its proofs would be of no use."""
    with pytest.raises(InputRefused, match="give the proving key that the verifier was deployed for"):
        prove.run({**market(), "image_id": toy_key().verification.image_id()}, market_zkey())


def test_without_an_input_the_key_is_looked_for_by_its_image_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder of the settings; where it is not, the error says what to do."""
    monkeypatch.setenv("COUNTERPART_EXCHANGE_KEYS", str(tmp_path))
    with pytest.raises(KeyAbsent, match=r"put the \.zkey there"):
        prove.run(market(), None)
    (tmp_path / f"{market()['image_id'][2:]}.zkey").write_bytes(market_zkey())

    result, output = prove.run(market(), None)

    assert output is None
    assert check.problem_of(market(), result, output) is None


@pytest.mark.parametrize("name", ["chain_id", "trade_block"])
def test_a_proof_of_another_market_is_refused(name: str) -> None:
    """Of another chain or block; of another address, other lists or another allocation likewise."""
    expected = "the public inputs are not those that the contract will compute"

    assert check.problem_of({**market(), name: market()[name] + 1}, market_proof(), None) == expected


def test_a_proof_of_other_words_is_refused() -> None:
    """Another contract, another list, another allocation."""
    lists, items = market()["lists"], market()["allocation"]
    others: list[dict[str, Any]] = [
        {"address": "0x" + "ba" * 20},
        {"lists": ["0x0", *lists[1:]]},
        {"lists": lists[:1] + lists[:1] + lists[2:]},
        {"allocation": [items[1], items[0], items[2]]},
    ]

    assert {check.problem_of(market() | other, market_proof(), None) for other in others} == {
        "the public inputs are not those that the contract will compute"
    }


def test_a_changed_bit_of_a_result_is_refused() -> None:
    """In every number of it."""
    result = market_proof()
    (x1, x0), (y1, y0) = result["b"]
    changed: list[dict[str, Any]] = [
        {"a": [flipped(result["a"][0]), result["a"][1]]},
        {"a": [result["a"][0], flipped(result["a"][1])]},
        {"b": [[flipped(x1), x0], [y1, y0]]},
        {"b": [[x1, x0], [y1, flipped(y0)]]},
        {"c": [result["c"][0], flipped(result["c"][1])]},
        *({name: flipped(result[name])} for name in ("commitment", "r", "v", "image_id")),
        {"key": result["key"][:-1] + ("0" if result["key"][-1] != "0" else "1")},
    ]

    assert None not in [check.problem_of(market(), result | change, None) for change in changed]


def test_a_result_of_another_form_is_refused() -> None:
    """Without a key, with too few numbers, with an output."""
    result = market_proof()
    others: list[dict[str, Any]] = [
        {},
        {name: value for name, value in result.items() if name != "key"},
        result | {"a": result["a"][:1]},
        result | {"b": [["0x1"]]},
        result | {"v": 5},
        result | {"key": "0x"},
    ]

    assert {check.problem_of(market(), other, None) for other in others} == {
        "the result is no proof with its inputs and its key"
    }
    assert check.problem_of(market(), result, b"") == "a proof puts nothing out besides its result"


def test_a_key_of_somebody_elses_circuit_is_refused() -> None:
    """A proof that holds, for a key that the contract does not have."""
    forged = market_proof() | {
        "key": "0x" + toy_key().verification.octets().hex(),
        "image_id": toy_key().verification.image_id(),
    }

    assert check.problem_of(market(), forged, None) == "the proof is for another key than the contract's verifier has"


def test_a_seal_is_the_proof_and_its_commitment() -> None:
    """A byte for the way, then nine words."""
    result = market_proof()
    seal = seal_of(result)
    numbers = [*result["a"], *result["b"][0], *result["b"][1], *result["c"], result["commitment"]]

    assert seal[0] == 1
    assert from_bytes(seal[1:]) == tuple(int(number, 16) for number in numbers)
    with pytest.raises(ResultUnfit):
        seal_of({})


@pytest.mark.parametrize(("size", "list_max"), [(2, 1), (3, 2), (16, 16)])
def test_its_size_is_not_underrated(size: int, list_max: int) -> None:
    """What the router is told is as many constraints as there are, or somewhat more."""
    constraints = len(system(Shape(size, list_max)).constraints)

    assert constraints <= exchange_proof_work(size, list_max).units
