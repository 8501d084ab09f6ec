"""Calls, results and logs of a contract interface."""

from pathlib import Path
from typing import Any

import pytest

from kernel.evm.blocks import Log
from kernel.evm.contracts import Abi, AbiMismatch, abi_decode, abi_encode, selector
from kernel.hashes import keccak256

pytestmark = pytest.mark.unit

OWNER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
PAIR = {"type": "tuple", "components": [{"name": "who", "type": "address"}, {"name": "weights", "type": "uint16[]"}]}
ENTRIES: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "transfer",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [{"name": "", "type": "bool"}],
    },
    {
        "type": "function",
        "name": "policy",
        "inputs": [{"name": "round", "type": "uint32"}],
        "outputs": [
            {"name": "voters", "type": "address[]"},
            {"name": "pair", **PAIR},
            {"name": "pairs", **PAIR, "type": "tuple[]"},
        ],
    },
    {"type": "function", "name": "poke", "inputs": [{"name": "pairs", **PAIR, "type": "tuple[2]"}], "outputs": []},
    {"type": "function", "name": "over", "inputs": [{"name": "a", "type": "uint256"}], "outputs": []},
    {"type": "function", "name": "over", "inputs": [{"name": "a", "type": "bytes32"}], "outputs": []},
    {
        "type": "event",
        "name": "Offered",
        "anonymous": False,
        "inputs": [
            {"name": "amount", "type": "uint256", "indexed": False},
            {"name": "owner", "type": "address", "indexed": True},
            {"name": "name", "type": "string", "indexed": True},
            {"name": "note", "type": "string", "indexed": False},
        ],
    },
]
ABI = Abi(ENTRIES)


def log(*topics: bytes, data: bytes = b"") -> Log:
    return Log(
        address=OWNER,
        topics=topics,
        data=data,
        block_number=1,
        block_hash=b"\x01" * 32,
        transaction_hash=b"\x02" * 32,
        log_index=0,
    )


def test_a_call_is_its_selector_and_its_arguments() -> None:
    """The published selector of ERC-20's transfer."""
    calldata = ABI.encode_call("transfer", OWNER, 5)

    assert calldata[:4].hex() == "a9059cbb"
    assert ABI.decode_call("transfer", calldata) == (OWNER, 5)


def test_published_selectors() -> None:
    """Flare's submission calls, as deployed."""
    assert selector("submit1()").hex() == "6c532fae"
    assert selector("submit2()").hex() == "9d00c9fd"
    assert selector("submit3()").hex() == "e1b157e7"
    assert selector("submitSignatures()").hex() == "57eed580"
    assert selector("relay()").hex() == "b59589d1"


def test_a_struct_is_written_out_in_the_signature() -> None:
    """tuple[2] of (address, uint16[]) becomes (address,uint16[])[2]."""
    calldata = ABI.encode_call("poke", [(OWNER, [1]), (OWNER, [2, 3])])

    assert calldata[:4] == keccak256(b"poke((address,uint16[])[2])")[:4]


def test_addresses_in_results_are_in_mixed_case_however_deep() -> None:
    """Alone, in an array, in a struct and in an array of structs."""
    types = ["address[]", "(address,uint16[])", "(address,uint16[])[]"]
    returned = abi_encode(types, [[OWNER], (OWNER, [1]), [(OWNER, [2])]])

    assert ABI.decode_result("policy", returned) == ((OWNER,), (OWNER, (1,)), ((OWNER, (2,)),))


def test_a_single_result_stands_alone_and_none_is_none() -> None:
    """bool, not a tuple of one bool."""
    assert ABI.decode_result("transfer", abi_encode(["bool"], [True])) is True
    assert ABI.decode_result("poke", b"") is None


def test_an_overloaded_name_needs_its_signature() -> None:
    """Two functions `over`: the name alone is ambiguous."""
    with pytest.raises(AbiMismatch):
        ABI.encode_call("over", 1)
    assert ABI.encode_call("over(uint256)", 1)[:4] == selector("over(uint256)")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("transfer", (OWNER,)), ("transfer", (OWNER, -1)), ("transfer", ("nobody", 1)), ("absent", ())],
)
def test_arguments_that_do_not_fit_are_refused(function: str, arguments: tuple[Any, ...]) -> None:
    """Too few, out of range, no address, no such function."""
    with pytest.raises(AbiMismatch):
        ABI.encode_call(function, *arguments)


def test_an_empty_answer_is_no_result() -> None:
    """An address without code answers nothing at all."""
    with pytest.raises(AbiMismatch):
        ABI.decode_result("transfer", b"")
    with pytest.raises(AbiMismatch):
        abi_decode(["uint256"], b"\x01")


def test_foreign_calldata_is_refused() -> None:
    """Another function's selector."""
    with pytest.raises(AbiMismatch):
        ABI.decode_call("transfer", b"\x00" * 68)


def test_a_log_is_decoded_by_name_in_the_order_of_the_interface() -> None:
    """An indexed string is only there as its hash."""
    data = abi_encode(["uint256", "string"], [7, "hello"])
    owner = bytes(12) + bytes.fromhex(OWNER[2:])
    event = ABI.decode_log(log(ABI.topic("Offered"), owner, keccak256(b"x"), data=data))

    assert event is not None
    assert event.name == "Offered"
    assert list(event.arguments.items()) == [
        ("amount", 7),
        ("owner", OWNER),
        ("name", keccak256(b"x")),
        ("note", "hello"),
    ]


def test_a_foreign_log_is_none_and_a_torn_one_is_refused() -> None:
    """Unknown topics are other contracts' business; a known topic that does not fit is a broken interface."""
    assert ABI.decode_log(log(b"\x09" * 32)) is None
    assert ABI.decode_log(log()) is None
    with pytest.raises(AbiMismatch):
        ABI.decode_log(log(ABI.topic("Offered")))


def test_an_interface_is_read_from_a_list_or_an_artifact(tmp_path: Path) -> None:
    """Both forms that compilers write."""
    import json

    plain, artifact = tmp_path / "plain.json", tmp_path / "artifact.json"
    plain.write_text(json.dumps(ENTRIES))
    artifact.write_text(json.dumps({"abi": ENTRIES, "bytecode": "0x"}))

    assert Abi.load(plain).topic("Offered") == Abi.load(artifact).topic("Offered") == ABI.topic("Offered")
