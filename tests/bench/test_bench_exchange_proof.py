"""A proof of an exchange of NFTs, made, made again with the key still read, and checked; beside snarkjs with the same
key and the same wires, a program of JavaScript and WebAssembly with a thread for each core.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.words import pack_lists
from gpu.exchange import check as other_verifier
from gpu.exchange import prove
from gpu.exchange.circuit import assignment, committed, system
from gpu.exchange.circuit_files import wtns_file
from gpu.exchange.circuit_shape import Shape
from gpu.exchange.form import request_of
from gpu.exchange.formats import read_proof_json
from gpu.exchange.formats_zkey import verification_key_of
from gpu.exchange.verification import problem_of_proof
from infra.local import programs, settings
from infra.local.barter.keys import development_key
from tests.unit.barter.crowds import full_lists

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_800)]
LIST_MAX = 16


def asked(size: int, image_id: str) -> dict[str, Any]:
    """The arguments of a full market's proof, with lists as long as they may be."""
    lists = full_lists(size, LIST_MAX - 1, seed=size)
    certificate = certify(lists, LIST_MAX)
    return {
        "size": size,
        "list_max": LIST_MAX,
        "image_id": image_id,
        "chain_id": 31337,
        "address": "0x" + "11" * 20,
        "trade_block": 7,
        "agents": size,
        "lists": [hex(word) for word in pack_lists(lists)],
        "allocation": [item + 1 for item in check(lists, certificate, LIST_MAX)],
        "positions": list(certificate.pos),
        "labels": list(certificate.labels),
    }


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds, seconds of processor time, and what came of it."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - began_s, time.process_time() - began_cpu_s, result


def by_snarkjs(folder: Path, zkey: bytes, arguments: dict[str, Any]) -> float:
    """Seconds of its whole run, whose proof holds."""
    node, request = programs.node(), request_of(arguments)
    assert node is not None
    inputs = request.inputs(committed(request.words()))
    (folder / "exchange.zkey").write_bytes(zkey)
    (folder / "market.wtns").write_bytes(wtns_file(assignment(request.shape, inputs, request.claim)))
    program = [str(node.program), str(settings.ROOT / "node_modules/snarkjs/build/cli.cjs")]
    command = [*program, "groth16", "prove", "exchange.zkey", "market.wtns", "proof.json", "public.json"]
    took_s, _, _ = timed(lambda: subprocess.run(command, cwd=folder, capture_output=True, timeout=600, check=True))
    proof = read_proof_json(json.loads((folder / "proof.json").read_text()))
    assert problem_of_proof(verification_key_of(zkey), proof, inputs) is None
    return took_s


@pytest.mark.parametrize("size", [16, 64, 128, 256])
def test_a_proof_of_a_full_market(size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The key is made if it is not there; what is kept of it in the process is forgotten before the first proof."""
    zkey = development_key(size, LIST_MAX).read_bytes()
    arguments = asked(size, verification_key_of(zkey).image_id())
    prove._kept.clear()
    circuit = system(Shape(size, LIST_MAX))
    first_s, first_cpu_s, (result, output) = timed(lambda: prove.run(arguments, zkey))
    next_s, next_cpu_s = min(timed(lambda: prove.run(arguments, zkey))[:2] for _ in range(3))
    check_s, _, problem = timed(lambda: other_verifier.problem_of(arguments, result, output))
    peer_s = by_snarkjs(tmp_path, zkey, arguments)

    with capsys.disabled():
        told = (
            f"first {first_s:.1f} s ({first_cpu_s:.1f} of processor), next {next_s:.2f} s ({next_cpu_s:.2f}), "
            f"check {check_s:.2f} s, snarkjs {peer_s:.1f} s, {peer_s / next_s:.1f} times as long"
        )
        what = f"{size} agents, {len(circuit.constraints):,} constraints, .zkey of {len(zkey):,}"
        sys.stdout.write(f"\nproof of {what}: {told}\n")
    assert problem is None
