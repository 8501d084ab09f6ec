"""`make barter-keys`: a development key, the circuit for a ceremony, and what is to be deployed for a key."""

from pathlib import Path

import pytest

from gpu.exchange.circuit import system
from gpu.exchange.circuit_files import r1cs_file
from infra.local.barter.keys import main
from tests.unit.barter.prover.worked import SHAPE, market, market_zkey

pytestmark = pytest.mark.unit

SIZE = ("--size", str(SHAPE.size), "--list-max", str(SHAPE.list_max))


def test_it_makes_a_key_and_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same as anywhere; progress on stderr, the image id, the constructor's words and the warning on stdout."""
    monkeypatch.setenv("COUNTERPART_EXCHANGE_KEYS", str(tmp_path))
    status = main(SIZE)
    told = capsys.readouterr()

    assert status == 0
    assert (tmp_path / f"{market()['image_id'][2:]}.zkey").read_bytes() == market_zkey()
    assert "H: 1,024 of 1,024 points" in told.err
    assert market()["image_id"] in told.out
    assert "known toxic waste, never for production: whoever has this program can prove anything" in told.out


def test_it_writes_the_circuit_for_a_ceremony(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As .r1cs, the same everywhere."""
    status = main([*SIZE, "--export", str(tmp_path / "ceremony")])

    assert status == 0
    assert (tmp_path / "ceremony/exchange.r1cs").read_bytes() == r1cs_file(system(SHAPE))
    assert "exchange.r1cs: the circuit for 3 agents" in capsys.readouterr().out


@pytest.mark.parametrize(("content", "problem"), [(None, "No such file"), (b"no key", "this is no zkey file")])
def test_what_is_no_key_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, problem: str
) -> None:
    """It says why instead."""
    if content is not None:
        (tmp_path / "a.zkey").write_bytes(content)
    status = main(["--show", str(tmp_path / "a.zkey")])

    assert status == 1
    assert problem in capsys.readouterr().out


def test_a_size_that_there_is_no_circuit_for_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In words."""
    status = main(["--size", "5000"])

    assert status == 1
    assert "there is no circuit for 5000 agents" in capsys.readouterr().out
