"""The committed program is its source, and its IDL describes it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from solders.instruction import Instruction

from infra.contracts.netting.build import COMPILER, build
from infra.contracts.netting.link import Unlinkable
from tests.repo.house import ROOT
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import SOL, Market, ledger_of

pytestmark = pytest.mark.unit


def test_an_unknown_instruction_is_refused(shared: Market) -> None:
    """So is none at all."""
    calls = [Instruction(m.PROGRAM, content, []) for content in (b"", bytes(7), bytes(8))]

    refusals = {shared.refused(shared.authority, call) for call in calls}

    assert refusals == {"InstructionErrorFieldless.InvalidInstructionData"}


def test_the_idl_is_of_this_program(shared: Market) -> None:
    """The names that it knows, the sizes of its accounts, the errors of its header."""
    idl = json.loads((ROOT / "infra/contracts/netting/idl.json").read_text(encoding="utf-8"))
    header = (ROOT / "infra/contracts/netting/state.h").read_text(encoding="utf-8")
    body = {"u64": 8, "i64": 8, "pubkey": 32}
    sizes = {one["name"]: one["type"]["fields"] for one in idl["types"]}
    unknown = [
        one["name"]
        for one in idl["instructions"]
        if "InvalidInstructionData"
        in str(shared.refused(shared.authority, Instruction(m.PROGRAM, bytes(one["discriminator"]) + bytes(99), [])))
    ]
    wallet = shared.deposited(SOL)
    account = shared.vm.get_account(ledger_of(wallet.pubkey()))

    assert unknown == []
    assert account is not None
    assert len(account.data) == 8 + sum(body[field["type"]] for field in sizes["Ledger"])
    told = {int(code) for code in re.findall(r"= (6\d{3}),", header)}
    assert {one["code"] for one in idl["errors"]} == told


without_compiler = pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"there is no {COMPILER} here")


@without_compiler
def test_the_committed_program_is_its_source() -> None:
    """Byte for byte; it runs without its compiler."""
    assert build() == m.ARTIFACT.read_bytes()


@without_compiler
@pytest.mark.parametrize(
    "source",
    [
        "static unsigned long count; unsigned long entrypoint(void) { return ++count; }",
        'const char *const names[] = {"a", "b"}; unsigned long entrypoint(long *in) { return names[*in][0]; }',
        "unsigned long another(void) { return 0; }",
    ],
    ids=["writable memory", "addresses in constants", "no entrypoint"],
)
def test_what_the_loader_does_not_take_is_not_linked(tmp_path: Path, source: str) -> None:
    """Said when it is built, not when it crashes."""
    (tmp_path / "a.c").write_text(source, encoding="utf-8")

    with pytest.raises(Unlinkable):
        build(tmp_path / "a.c")
