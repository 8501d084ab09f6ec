"""Keys: the same everywhere where their secrets are known, kept, read back, and refused where they are unfit."""

from dataclasses import replace
from pathlib import Path

import pytest
from py_ecc.bn128 import bn128_curve as group
from py_ecc.fields import bn128_FQ as FQ

from gpu.exchange import prove
from gpu.exchange.circuit import system
from gpu.exchange.formats import KeyUnfit, Proof, key_of, proof_json, read_proof_json, verification_key_json
from gpu.exchange.formats_zkey import LABEL, proving_key_of, verification_key_of, zkey_file
from gpu.exchange.keys import Secrets, by_image_id, development_zkey, is_development, known_secrets, set_up
from gpu.exchange.prove import Prover
from gpu.exchange.r1cs import FIELD
from gpu.exchange.verification import problem_of_proof
from gpu.refusals import InputRefused
from kernel.hashes import keccak256
from tests.unit.barter.prover.worked import PUBLIC, SHAPE, market, market_zkey, toy_key, toy_system

pytestmark = pytest.mark.unit

#: Of the second group.
GENERATOR = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def test_every_public_input_has_a_row_of_its_own() -> None:
    """That wire in A, nothing in B; without it a wire that no constraint tells apart could have any value."""
    key, first = toy_key(), len(toy_system().constraints)
    rows = [entry for entry in key.entries if entry[1] >= first]

    assert [(0, first + wire, wire, 1) for wire in range(key.public + 1)] == rows
    assert key.domain == 8


def test_a_development_key_is_the_same_everywhere_and_says_what_it_is(tmp_path: Path) -> None:
    """It is named after its image id, made once, and carries its label in the file."""
    told: list[str] = []
    path = development_zkey(tmp_path, toy_system(), told.append)
    again = development_zkey(tmp_path, toy_system(), told.append)
    elsewhere = development_zkey(tmp_path / "elsewhere", toy_system())
    key = proving_key_of(path.read_bytes())

    assert path == again == by_image_id(tmp_path, key.verification.image_id())
    assert path.read_bytes() == elsewhere.read_bytes()
    assert told.count("H: 8 of 8 points") == 1
    assert key.development
    assert LABEL in path.read_bytes()
    assert sorted(one.suffix for one in tmp_path.iterdir() if one.is_file()) == [".development", ".zkey"]


def test_a_key_of_other_secrets_is_no_development_key() -> None:
    """It is told by its points, also where the label is gone."""
    digest = toy_system().digest()
    known = set_up(toy_system(), known_secrets(digest))
    other = set_up(toy_system(), Secrets(tau=2, alpha=3, beta=5, gamma=7, delta=11))

    assert not known.development
    assert is_development(known.verification, digest)
    assert not is_development(other.verification, digest)


def test_whoever_knows_the_secrets_proves_what_is_false() -> None:
    """Which is why a development key must never stand before money: here 3 · 5 is 16, and no circuit was asked."""
    secrets, known = known_secrets("a toy"), toy_key().verification
    false = (16, *PUBLIC[1:])
    public = known.ic[0]
    point: tuple[FQ, FQ] | None = (FQ(public[0]), FQ(public[1]))
    for value, (x, y) in zip(false, known.ic[1:], strict=True):
        point = group.add(point, group.multiply((FQ(x), FQ(y)), value))
    less = group.add(
        group.multiply(group.G1, 1 - secrets.alpha * secrets.beta % FIELD + FIELD),
        group.neg(group.multiply(point, secrets.gamma)),
    )
    c = group.multiply(less, pow(secrets.delta, -1, FIELD))
    assert c is not None
    forged = Proof(a=(1, 2), b=GENERATOR, c=(int(c[0]), int(c[1])))

    assert problem_of_proof(known, forged, false) is None


def test_no_development_key_proves_where_money_depends_on_it() -> None:
    """Whatever the job asks for."""
    with pytest.raises(InputRefused, match="anybody can prove anything"):
        prove.run_in_public(market(), market_zkey())


def test_a_key_of_other_secrets_proves_there() -> None:
    """As one from a ceremony would."""
    key = set_up(system(SHAPE), Secrets(tau=2, alpha=3, beta=5, gamma=7, delta=11))
    image_id = key.verification.image_id()

    result, _ = prove.run_in_public({**market(), "image_id": image_id}, zkey_file(key))

    assert image_id == result["image_id"]


def test_a_zkey_is_read_as_it_was_written() -> None:
    """Every point and entry, and the verification key alone."""
    key = replace(toy_key(), development=True)
    read = proving_key_of(zkey_file(key))

    assert [getattr(read, name) for name in read.__slots__] == [getattr(key, name) for name in key.__slots__]
    assert verification_key_of(zkey_file(key)) == key.verification


@pytest.mark.parametrize("length", [0, 8, 11, 30, 600, -1])
def test_a_part_of_a_zkey_is_refused(length: int) -> None:
    """Wherever it is cut off."""
    with pytest.raises(KeyUnfit):
        proving_key_of(zkey_file(toy_key())[:length])


def test_a_zkey_of_another_kind_is_refused() -> None:
    """Of another version, protocol, curve, or with other numbers of points than its header says."""
    octets, key = zkey_file(toy_key()), toy_key()
    at = octets.index((1).to_bytes(4, "little") + (4).to_bytes(8, "little")) + 12
    others = [
        octets.replace(b"zkey", b"wtns", 1),
        octets[:4] + b"\2" + octets[5:],
        octets[:at] + b"\2" + octets[at + 1 :],
        octets.replace(FIELD.to_bytes(32, "little"), (FIELD + 2).to_bytes(32, "little"), 1),
        zkey_file(replace(key, wires=key.wires + 1)),
        zkey_file(replace(key, domain=16)),
        zkey_file(replace(key, h=key.h[1:])),
        zkey_file(replace(key, delta_1=(0, 0))),
    ]

    for other in others:
        with pytest.raises(KeyUnfit):
            proving_key_of(other)


def test_a_key_with_a_point_off_its_curve_is_refused() -> None:
    """Before any sum is made of it."""
    key = toy_key()
    for unfit in (replace(key, h=((1, 3), *key.h[1:])), replace(key, b_2=[((1, 1), (1, 1))] * key.wires)):
        with pytest.raises(KeyUnfit, match="not on the"):
            Prover(unfit)


def test_a_verification_key_has_one_writing() -> None:
    """Its canonical bytes, whose Keccak-256 is the image id; snarkjs has the same numbers."""
    known = toy_key().verification
    octets = known.octets()
    told = verification_key_json(known)

    assert len(octets) == 22 * 32
    assert known.image_id() == "0x" + keccak256(octets).hex()
    assert key_of(octets) == known
    assert (told["nPublic"], len(told["IC"]), told["vk_alpha_1"]) == (3, 4, [*map(str, known.alpha), "1"])
    assert told["vk_beta_2"] == [[*map(str, known.beta[0])], [*map(str, known.beta[1])], ["1", "0"]]
    for unfit in (b"", octets[:-32], octets[:448], b"\xff" * 704):
        with pytest.raises(KeyUnfit):
            key_of(unfit)


def test_a_proof_is_read_as_snarkjs_writes_it() -> None:
    """In its order of coordinates, which is not the contract's."""
    proof = Proof(a=(1, 2), b=((3, 4), (5, 6)), c=(7, 8))

    assert read_proof_json(proof_json(proof)) == proof
    assert proof.words() == (1, 2, 4, 3, 6, 5, 7, 8)
