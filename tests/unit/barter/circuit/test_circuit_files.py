"""The circuit and an assignment, as other tools read them."""

import subprocess
from pathlib import Path
from struct import unpack_from

import pytest

from functions.barter.core.certificate import certify
from gpu.exchange.circuit_files import r1cs_file, wtns_file
from gpu.exchange.circuit_shape import Shape
from gpu.exchange.r1cs import FIELD, Builder
from infra.local import programs, settings
from tests.unit.barter.circuit.stated import assigned, claimed, system_once
from tests.unit.barter.published import LISTS

pytestmark = pytest.mark.unit

SHAPE = Shape(8, 5)


def snarkjs(*arguments: str | Path) -> tuple[bool, str]:
    """What snarkjs, which is not ours, says."""
    node = programs.node()
    assert node is not None
    command = [node.program, settings.ROOT / "node_modules/snarkjs/cli.js", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    return done.returncode == 0, done.stdout


def test_snarkjs_finds_the_constraints_met_and_a_changed_wire_out(tmp_path: Path) -> None:
    """An independent reader of both files, and an independent check of every constraint."""
    constraints, good, bad = tmp_path / "c.r1cs", tmp_path / "good.wtns", tmp_path / "bad.wtns"
    wires = assigned(SHAPE, claimed(SHAPE, LISTS, certify(LISTS, 5)))
    constraints.write_bytes(r1cs_file(system_once(SHAPE)))
    good.write_bytes(wtns_file(wires))
    bad.write_bytes(wtns_file([*wires[:700], (wires[700] + 1) % FIELD, *wires[701:]]))
    _, told = snarkjs("r1cs", "info", constraints)

    assert f"# of Constraints: {len(system_once(SHAPE).constraints)}" in told
    assert f"# of Wires: {len(wires)}" in told and "# of Outputs: 3" in told
    assert snarkjs("wtns", "check", constraints, good)[0]
    assert not snarkjs("wtns", "check", constraints, bad)[0]


def test_the_octets_of_a_small_system() -> None:
    """Sections with their lengths, little-endian numbers, wires in order within a combination."""
    builder = Builder((6,))
    two = builder.wire(2)
    builder.require(two + 1, two, builder.public[0])
    file, wires = r1cs_file(builder.finished()), wtns_file(builder.values)

    assert (b"r1cs", 1, 3) == unpack_from("<4sII", file)
    assert (1, 64, 32) == unpack_from("<IQI", file, 12)
    assert FIELD == int.from_bytes(file[28:60], "little")
    assert (3, 1, 0, 1, 3, 1) == unpack_from("<IIIIQI", file, 60)
    assert (2, 3 * 4 + 4 * 36) == unpack_from("<IQ", file, 88)
    assert (2, 0) == unpack_from("<II", file, 100)
    assert (3, 24, 0, 1, 2) == unpack_from("<IQQQQ", file, 100 + 156)
    assert (b"wtns", 2, 2, 1, 40, 32) == unpack_from("<4sIIIQI", wires)
    assert (3, 2, 96) == unpack_from("<IIQ", wires, 60)
    assert [1, 6, 2] == [int.from_bytes(wires[at : at + 32], "little") for at in range(76, len(wires), 32)]
