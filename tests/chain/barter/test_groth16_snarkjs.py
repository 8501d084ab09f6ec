"""snarkjs, as a program: it takes our proofs and keys, and proves with them what our verifiers take."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.barter.core.journal import journal_of
from gpu.exchange import prove
from gpu.exchange.circuit import assignment, committed
from gpu.exchange.circuit_files import r1cs_file, wtns_file
from gpu.exchange.form import proven_of, request_of
from gpu.exchange.formats import proof_json, public_json, read_proof_json, verification_key_json
from gpu.exchange.formats_zkey import proving_key_of, verification_key_of
from gpu.exchange.prove import Prover
from gpu.exchange.verification import problem_of_proof
from infra.local import programs, settings
from infra.local.barter.world import BarterWorld, Phase, Terms
from infra.local.flare.contracts import Contract
from tests.chain.barter.groth16 import LIST_MAX, SIZE, asked
from tests.unit.barter.prover.worked import PUBLIC, toy_assignment, toy_key, toy_system
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

Snarkjs = Callable[..., str]


@pytest.fixture
def snarkjs(tmp_path: Path) -> Snarkjs:
    """Run it in a folder of its own; what it says, whether it succeeds or not."""
    node = programs.node()
    assert node is not None

    def run(*arguments: str) -> str:
        command = [str(node.program), str(settings.ROOT / "node_modules/snarkjs/build/cli.cjs"), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False).stdout

    return run


@pytest.fixture
def market(groth16_verifier: Contract, open_market: Callable[..., BarterWorld]) -> BarterWorld:
    """The published market, in Trade, before the verifier."""
    world = open_market(len(LISTS), Terms(agents_max=SIZE, list_max=LIST_MAX, verifier=groth16_verifier.address))
    world.ready(LISTS)
    return world


def write(folder: Path, **files: Any) -> None:
    """Each as <name>.json."""
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def test_snarkjs_holds_our_proof_and_no_other(
    market: BarterWorld, proving_key: bytes, tmp_path: Path, snarkjs: Snarkjs
) -> None:
    """By the verification key that it takes from our .zkey, which is the one that we say."""
    (tmp_path / "exchange.zkey").write_bytes(proving_key)
    result, _ = prove.run(asked(market, LISTS), proving_key)
    proven = proven_of(result)
    snarkjs("zkey", "export", "verificationkey", "exchange.zkey", "key.json")
    write(tmp_path, proof=proof_json(proven.proof), public=public_json(proven.inputs))
    write(tmp_path, other=public_json([proven.inputs[0], proven.inputs[1], proven.inputs[2] + 1]))
    exported = json.loads((tmp_path / "key.json").read_text())
    ours = verification_key_json(verification_key_of(proving_key))

    assert {name: exported[name] for name in ours} == ours
    assert "OK!" in snarkjs("groth16", "verify", "key.json", "public.json", "proof.json")
    assert "Invalid proof" in snarkjs("groth16", "verify", "key.json", "other.json", "proof.json")


def test_the_exchange_takes_what_snarkjs_proves_with_our_key(
    market: BarterWorld, proving_key: bytes, tmp_path: Path, snarkjs: Snarkjs
) -> None:
    """From our .zkey and .wtns: the key has the form that every tool of this kind reads, so a ceremony's has ours."""
    request = request_of(asked(market, LISTS))
    inputs = request.inputs(committed(request.words()))
    (tmp_path / "exchange.zkey").write_bytes(proving_key)
    (tmp_path / "market.wtns").write_bytes(wtns_file(assignment(request.shape, inputs, request.claim)))
    snarkjs("groth16", "prove", "exchange.zkey", "market.wtns", "proof.json", "public.json")
    proof = read_proof_json(json.loads((tmp_path / "proof.json").read_text()))
    key = verification_key_of(proving_key)

    assert public_json(inputs) == json.loads((tmp_path / "public.json").read_text())
    assert problem_of_proof(key, proof, inputs) is None
    words = (*proof.words(), inputs[0])
    market.reallocate(journal_of(ALLOCATION), b"\1" + b"".join(word.to_bytes(32, "big") for word in words))
    assert market.phase == Phase.WITHDRAW


def test_snarkjs_exports_a_verifier_of_our_key(proving_key: bytes, tmp_path: Path, snarkjs: Snarkjs) -> None:
    """Whoever does not trust ours deploys that one: it has the same points."""
    (tmp_path / "exchange.zkey").write_bytes(proving_key)
    snarkjs("zkey", "export", "solidityverifier", "exchange.zkey", "verifier.sol")
    source, key = (tmp_path / "verifier.sol").read_text(), verification_key_of(proving_key)

    assert all(str(word) in source for word in key.words())


def test_a_key_from_a_ceremony_takes_the_place_of_ours(tmp_path: Path, snarkjs: Snarkjs) -> None:
    """snarkjs makes it from our .r1cs, somebody contributes, snarkjs finds it sound; our prover takes it as it is."""
    (tmp_path / "toy.r1cs").write_bytes(r1cs_file(toy_system()))
    snarkjs("powersoftau", "new", "bn128", "3", "0.ptau")
    snarkjs("powersoftau", "contribute", "0.ptau", "1.ptau", "-e=what nobody else knows")
    snarkjs("powersoftau", "prepare", "phase2", "1.ptau", "powers.ptau")
    snarkjs("groth16", "setup", "toy.r1cs", "powers.ptau", "0.zkey")
    snarkjs("zkey", "contribute", "0.zkey", "toy.zkey", "-e=what nobody else knows either")
    verdict = snarkjs("zkey", "verify", "toy.r1cs", "powers.ptau", "toy.zkey")
    key = proving_key_of((tmp_path / "toy.zkey").read_bytes())
    proof = Prover(key).prove(toy_assignment())

    assert "ZKey Ok!" in verdict
    assert not key.development
    assert (key.domain, sorted(key.entries)) == (toy_key().domain, sorted(toy_key().entries))
    assert problem_of_proof(key.verification, proof, PUBLIC) is None
