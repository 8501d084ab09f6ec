"""Which accounts a System transfer moves lamports between, whatever else its instruction names."""

import struct

import pytest

from functions.contests.adapters.payments import TRANSFER, TRANSFER_WITH_SEED, transfers
from functions.contests.core.entry import Transfer
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.history import ExecutedInstruction

pytestmark = pytest.mark.unit

LAMPORTS = 100_000_000


def ran(kind: int, *accounts: str, program: str = SYSTEM_PROGRAM) -> ExecutedInstruction:
    data = struct.pack("<IQ", kind, LAMPORTS) + b"seed" * (kind == TRANSFER_WITH_SEED)
    return ExecutedInstruction(path="0", program=program, accounts=accounts, data=data)


@pytest.mark.parametrize(
    ("kind", "accounts"),
    [(TRANSFER, ("from", "to")), (TRANSFER_WITH_SEED, ("from", "base", "to"))],
)
def test_a_transfer_goes_to_the_account_that_the_program_pays(kind: int, accounts: tuple[str, ...]) -> None:
    """Accounts behind those that the System program reads get nothing, so naming a contest's wallet there pays none."""
    plain = transfers([ran(kind, *accounts)])
    padded = transfers([ran(kind, *accounts, "contest", "contest")])

    assert (Transfer(source="from", destination="to", lamports=LAMPORTS),) == plain == padded


def test_what_is_no_transfer_is_not_told() -> None:
    """Another program's bytes, another instruction of the System program, or fewer accounts than a transfer has."""
    seen = [ran(TRANSFER, "from", "to", program="else"), ran(0, "from", "to"), ran(TRANSFER_WITH_SEED, "from", "to")]

    assert () == transfers(seen)
