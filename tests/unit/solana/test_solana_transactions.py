"""Solana's versioned transaction: the bytes, compared with solders' own; what fits and what does not."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders import system_program
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from kernel import base58
from kernel.keys.solana import LocalSolanaSigner, SolanaAddressInvalid, SolanaSignatureMismatch
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM, SYSTEM_PROGRAM
from kernel.solana.messages import Message, SolanaMessageUnreadable, read_message
from kernel.solana.transactions import (
    TRANSACTION_SIZE_BYTES_MAX,
    UNIT_CAP,
    AccountUse,
    DurableNonce,
    Instruction,
    LookupTable,
    SignatureMissing,
    TransactionTooLarge,
    compile_message,
    required_signers,
    system_transfer,
    unsigned,
    with_signatures,
)

pytestmark = pytest.mark.unit

PAYER, OTHER = LocalSolanaSigner(bytes([1] * 32)), LocalSolanaSigner(bytes([2] * 32))
RECEIVER = base58.encode(bytes([7] * 32))
BLOCKHASH = base58.encode(bytes([9] * 32))
# Put together by hand from the format: version 0; signers, of them read only, others read only; three accounts; the
# blockhash; one instruction of account 2 over accounts 0 and 1 with 12 bytes (the word 2, the lamports); no tables.
GOLDEN = "".join(
    (
        "80 010001 03",
        base58.decode(PAYER.address).hex(),
        "07" * 32,
        "00" * 32,
        "09" * 32,
        "01 02 020001 0c 02000000 40420f0000000000",
        "00",
    )
)
addresses = st.binary(min_size=32, max_size=32).map(base58.encode)
uses = st.builds(AccountUse, addresses, signer=st.booleans(), writable=st.booleans())
programs = addresses.filter(lambda program: program != COMPUTE_BUDGET_PROGRAM)
calls = st.builds(Instruction, programs, st.lists(uses, max_size=4).map(tuple), st.binary(max_size=40))


def test_a_transfer_has_these_bytes() -> None:
    """The message of a transfer, byte by byte."""
    message = compile_message(PAYER.address, [system_transfer(PAYER.address, RECEIVER, 1_000_000)], blockhash=BLOCKHASH)

    assert bytes.fromhex(GOLDEN) == message


def test_a_signed_transfer_is_that_of_solders() -> None:
    """With a compute budget and both signatures, our bytes and solders' are the same."""
    payer, other = Keypair.from_seed(bytes([1] * 32)), Keypair.from_seed(bytes([2] * 32))
    receiver = Pubkey(bytes([7] * 32))
    theirs = VersionedTransaction(
        MessageV0.try_compile(
            payer.pubkey(),
            [
                set_compute_unit_limit(450),
                set_compute_unit_price(10_000),
                system_program.transfer(
                    system_program.TransferParams(from_pubkey=other.pubkey(), to_pubkey=receiver, lamports=5)
                ),
            ],
            [],
            Hash(bytes([9] * 32)),
        ),
        [payer, other],
    )
    message = compile_message(
        PAYER.address,
        [system_transfer(OTHER.address, RECEIVER, 5)],
        blockhash=BLOCKHASH,
        compute_unit_limit=450,
        compute_unit_price=10_000,
    )
    ours = with_signatures(message, {one.address: one.sign_message(message) for one in (OTHER, PAYER)})

    assert (bytes(theirs), str(theirs.signatures[0])) == (ours.raw, ours.signature)


@given(st.lists(calls, max_size=4))
def test_a_message_says_what_was_put_in(instructions: list[Instruction]) -> None:
    """Reading a compiled message gives the same instructions, each account with all that any of them may do."""
    try:
        message = compile_message(PAYER.address, instructions, blockhash=BLOCKHASH)
    except TransactionTooLarge:
        return
    read = read_message(message)

    assert [_merged(one, [*instructions, _paying()]) for one in instructions] == list(read.instructions)
    assert (PAYER.address, BLOCKHASH) == (read.signers[0], read.blockhash)
    assert {a.address for one in instructions for a in one.accounts if a.signer} | {PAYER.address} == set(read.signers)


@given(calls)
def test_an_instruction_travels_as_json(instruction: Instruction) -> None:
    """What is stored is what comes back."""
    assert instruction == Instruction.from_json(instruction.to_json())


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_are_read_that_are_no_message(noise: bytes, cut: int) -> None:
    """Noise and cut messages are refused, and never with an error of the library's."""
    whole = compile_message(PAYER.address, [system_transfer(PAYER.address, RECEIVER, 1)], blockhash=BLOCKHASH)
    for raw in (noise, b"\x80" + noise, whole[:cut] if cut < len(whole) else whole + noise + b"\x00"):
        with pytest.raises(SolanaMessageUnreadable):
            required_signers(raw)


def test_the_first_instruction_of_a_durable_transaction_advances_its_nonce() -> None:
    """The runtime looks for the advance in the first place; the stored value takes the blockhash's place."""
    nonce = DurableNonce(base58.encode(bytes([5] * 32)), OTHER.address, base58.encode(bytes([6] * 32)))
    message = compile_message(
        PAYER.address,
        [system_transfer(PAYER.address, RECEIVER, 1)],
        durable_nonce=nonce,
        compute_unit_limit=1_000,
        compute_unit_price=1,
    )
    read = read_message(message)

    assert nonce.blockhash == read.blockhash
    assert (PAYER.address, OTHER.address) == read.signers
    assert [SYSTEM_PROGRAM, COMPUTE_BUDGET_PROGRAM, COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM] == [
        one.program for one in read.instructions
    ]
    assert (struct.pack("<I", 4), nonce.account) == (
        read.instructions[0].data,
        read.instructions[0].accounts[0].address,
    )


def test_a_table_is_used_only_where_it_is_needed() -> None:
    """What fits is sent without a table; what does not fit takes it; a wish takes it, too."""
    few, many = _memo_of(5), _memo_of(40)
    table = LookupTable(base58.encode(bytes([8] * 32)), tuple(use.address for use in many.accounts))

    def compiled(instruction: Instruction, *, wished: bool = False) -> Message:
        parts = (PAYER.address, [instruction])
        message = compile_message(*parts, blockhash=BLOCKHASH, lookup_tables=(table,), prefer_tables=wished)
        return read_message(message, (table,))

    read = [compiled(few), compiled(many), compiled(few, wished=True)]

    assert [(), (table.address,), (table.address,)] == [one.lookup_tables for one in read]
    assert [(few,), (many,), (few,)] == [one.instructions for one in read]


def test_the_largest_transaction_fits_and_one_byte_more_does_not() -> None:
    """1232 bytes with the signature are taken, 1233 are not."""
    empty = Instruction(MEMO_PROGRAM, (), b"")
    room = TRANSACTION_SIZE_BYTES_MAX - len(unsigned(compile_message(PAYER.address, [empty], blockhash=BLOCKHASH))) - 1
    largest = compile_message(PAYER.address, [replace(empty, data=bytes(room))], blockhash=BLOCKHASH)

    assert TRANSACTION_SIZE_BYTES_MAX == len(unsigned(largest))
    with pytest.raises(TransactionTooLarge):
        compile_message(PAYER.address, [replace(empty, data=bytes(room + 1))], blockhash=BLOCKHASH)


def test_more_accounts_than_an_index_counts_are_too_large() -> None:
    """300 accounts cannot be named at all."""
    with pytest.raises(TransactionTooLarge):
        compile_message(PAYER.address, [_memo_of(200), _memo_of(100, first=200)], blockhash=BLOCKHASH)


def test_every_signer_must_have_signed() -> None:
    """A missing signature and a signature of another message are refused; a stranger's is left out."""
    message = compile_message(PAYER.address, [system_transfer(OTHER.address, RECEIVER, 5)], blockhash=BLOCKHASH)
    good = {one.address: one.sign_message(message) for one in (PAYER, OTHER)}

    assert (PAYER.address, OTHER.address) == required_signers(message)
    with pytest.raises(SignatureMissing):
        with_signatures(message, {PAYER.address: good[PAYER.address]})
    with pytest.raises(SolanaSignatureMismatch):
        with_signatures(message, {**good, OTHER.address: good[PAYER.address]})
    assert with_signatures(message, good) == with_signatures(message, {**good, RECEIVER: bytes(64)})


def test_addresses_are_looked_at_when_an_instruction_is_made() -> None:
    """A wrong address is the caller's mistake, told before anything is stored."""
    with pytest.raises(SolanaAddressInvalid):
        Instruction("0x12", (), b"")
    with pytest.raises(SolanaAddressInvalid):
        Instruction(SYSTEM_PROGRAM, (AccountUse("O" * 44),), b"")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"blockhash": BLOCKHASH, "durable_nonce": DurableNonce(RECEIVER, RECEIVER, BLOCKHASH)},
        {"blockhash": BLOCKHASH, "compute_unit_limit": 0},
        {"blockhash": BLOCKHASH, "compute_unit_limit": UNIT_CAP + 1},
    ],
)
def test_contradictory_parameters_are_refused(wrong: dict[str, object]) -> None:
    """A transaction has one anchor, and a compute limit that the runtime takes."""
    with pytest.raises(ValueError, match=r"transaction lives|compute limit"):
        compile_message(PAYER.address, [], **wrong)  # type: ignore[arg-type]  # arguments by name


def test_the_budget_is_not_set_twice() -> None:
    """An instruction of the compute budget beside the parameters would make the runtime refuse the transaction."""
    with pytest.raises(ValueError, match="compute budget"):
        compile_message(PAYER.address, [Instruction(COMPUTE_BUDGET_PROGRAM, (), b"")], blockhash=BLOCKHASH)


def test_lamports_are_64_bits() -> None:
    """No amount below zero or beyond the chain's."""
    for lamports in (-1, 2**64):
        with pytest.raises(ValueError, match="lamports"):
            system_transfer(PAYER.address, RECEIVER, lamports)


def _memo_of(count: int, first: int = 0) -> Instruction:
    accounts = (base58.encode((first + n + 1000).to_bytes(32, "big")) for n in range(count))
    return Instruction(MEMO_PROGRAM, tuple(AccountUse(one, writable=n % 2 == 0) for n, one in enumerate(accounts)), b"")


def _paying() -> Instruction:
    return Instruction(MEMO_PROGRAM, (AccountUse(PAYER.address, signer=True, writable=True),), b"")


def _merged(instruction: Instruction, every: list[Instruction]) -> Instruction:
    """The instruction with what the whole transaction may do with each of its accounts."""
    found = [use for one in every for use in one.accounts]
    accounts = tuple(
        AccountUse(
            use.address,
            signer=any(other.signer for other in found if other.address == use.address),
            writable=any(other.writable for other in found if other.address == use.address),
        )
        for use in instruction.accounts
    )
    return replace(instruction, accounts=accounts)
