"""Instructions of Solana's own programs, byte by byte those of solders and solana-py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders import system_program
from solders.address_lookup_table_account import derive_lookup_table_address
from solders.pubkey import Pubkey
from spl.token import instructions as spl
from spl.token.models import TransferCheckedParams

from kernel import base58
from kernel.solana.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, associated_token_address, derived_address
from kernel.solana.instructions import from_solders, to_solders
from kernel.solana.lookup_tables import create_table, extend_table
from kernel.solana.nonces import NONCE_RENT_LAMPORTS, create_nonce
from kernel.solana.tokens import create_token_account, token_transfer

pytestmark = pytest.mark.unit

ONE, TWO, THREE, FOUR = (Pubkey(bytes([n] * 32)) for n in range(1, 5))
programs = st.sampled_from([TOKEN_PROGRAM, TOKEN_2022_PROGRAM])


@given(programs, st.integers(0, 2**64 - 1), st.integers(0, 255))
def test_a_token_transfer_is_that_of_solana_py(program: str, amount: int, decimals: int) -> None:
    """Accounts, their uses and the bytes."""
    theirs = spl.transfer_checked(
        TransferCheckedParams(
            program_id=Pubkey.from_string(program),
            source=ONE,
            mint=TWO,
            dest=THREE,
            owner=FOUR,
            amount=amount,
            decimals=decimals,
        )
    )
    ours = token_transfer(
        str(ONE), str(THREE), str(FOUR), mint=str(TWO), amount=amount, decimals=decimals, program=program
    )

    assert theirs == to_solders(ours)


@given(programs, st.binary(min_size=32, max_size=32))
def test_a_token_account_is_made_as_solana_py_makes_it(program: str, owner: bytes) -> None:
    """Its address and the instruction that may be repeated."""
    person, token_program = Pubkey(owner), Pubkey.from_string(program)
    theirs = spl.create_idempotent_associated_token_account(ONE, person, TWO, token_program)

    assert theirs == to_solders(create_token_account(str(ONE), str(person), mint=str(TWO), program=program))
    assert str(spl.get_associated_token_address(person, TWO, token_program)) == associated_token_address(
        str(person), str(TWO), program=program
    )


@pytest.mark.parametrize(("amount", "decimals"), [(-1, 0), (2**64, 0), (0, 256), (0, -1)])
def test_tokens_are_64_bits(amount: int, decimals: int) -> None:
    """No amount below zero or beyond the program's."""
    with pytest.raises(ValueError, match="tokens"):
        token_transfer(str(ONE), str(TWO), str(THREE), mint=str(FOUR), amount=amount, decimals=decimals)


def test_a_lookup_table_has_one_address_for_an_authority_and_a_slot() -> None:
    """A repeated instruction makes no second table."""
    (first, address), (again, _) = (create_table(str(ONE), str(TWO), recent_slot=5) for _ in range(2))

    assert str(derive_lookup_table_address(ONE, 5)[0]) == address
    assert first == again
    assert address != create_table(str(ONE), str(TWO), recent_slot=6)[1]


def test_a_table_is_filled_in_order() -> None:
    """Each step adds the next addresses; together they are all of them."""
    addresses = [base58.encode((n + 1).to_bytes(32, "big")) for n in range(45)]
    steps = extend_table(str(ONE), str(TWO), str(THREE), addresses)
    added = b"".join(step.data[12:] for step in steps)

    assert b"".join(map(base58.decode, addresses)) == added
    assert [20, 20, 5] == [len(step.data[12:]) // 32 for step in steps]


def test_a_nonce_account_is_made_in_two_steps() -> None:
    """Space and rent first, its authority second, as the runtime's own client does."""
    made = [to_solders(one) for one in create_nonce(str(ONE), str(TWO), str(THREE))]
    theirs = system_program.create_nonce_account(ONE, TWO, THREE, NONCE_RENT_LAMPORTS)

    assert list(theirs) == made


def test_a_derived_address_lies_off_the_curve() -> None:
    """Address and bump are those of the runtime."""
    address, bump = derived_address(str(ONE), [b"vault", bytes(ONE)])
    theirs = Pubkey.find_program_address([b"vault", bytes(ONE)], ONE)

    assert (str(theirs[0]), theirs[1]) == (address, bump)
    assert not Pubkey.from_string(address).is_on_curve()


def test_instructions_come_back_from_solders() -> None:
    """To solders and back nothing is lost."""
    ours = token_transfer(str(ONE), str(TWO), str(THREE), mint=str(FOUR), amount=1, decimals=2)

    assert ours == from_solders(to_solders(ours))
