"""What a queue handler loads to send a transaction: solders, and neither solana-py nor an HTTP client of its own."""

import subprocess
import sys

import pytest

from infra.local import settings

pytestmark = pytest.mark.unit

SENDING = """
import sys
import kernel.solana.agreement, kernel.solana.fees, kernel.solana.history, kernel.solana.pool, kernel.solana.tokens
loaded_by_import = {"solders", "solana", "spl", "httpx", "urllib3"} & set(sys.modules)
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
payer = LocalSolanaSigner(bytes([1] * 32))
transfer = system_transfer(payer.address, payer.address, 1)
message = compile_message(payer.address, [transfer], blockhash=payer.address, compute_unit_limit=450)
with_signatures(message, {payer.address: payer.sign_message(message)})
print(sorted(loaded_by_import), sorted({"solders", "solana", "spl", "httpx"} & set(sys.modules)))
"""


def test_sending_loads_little() -> None:
    """Imports load nothing; compiling and signing loads solders."""
    ran = subprocess.run(
        [sys.executable, "-c", SENDING], capture_output=True, text=True, check=True, env=settings.child_environment()
    )

    assert "[] ['solders']" == ran.stdout.strip()
