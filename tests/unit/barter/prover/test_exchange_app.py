"""The function on Modal: its container has what its image installs, and nothing else."""

import subprocess
import sys

import pytest

from infra.local import settings

pytestmark = pytest.mark.unit

#: What other images of the app have.
ELSEWHERE = ("numpy", "sklearn", "cupy", "cryptography", "nacl", "py_ecc", "kernel", "infra", "functions")
PROVING = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ELSEWHERE!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from gpu import app
from gpu.exchange import prove
from gpu.exchange.keys import known_secrets, set_up
from gpu.exchange.r1cs import Builder

def built(recording):
    builder = Builder((6, 5, 0), recording=recording)
    product, total, _ = builder.public
    one, other = builder.wire(2), builder.wire(3)
    builder.require(one, other, product)
    builder.require_equal(one + other, total)
    return builder

key = set_up(built(True).finished(), known_secrets("an app"))
prove.Prover(key).prove(built(False).values)
print(app.exchange_proof.local.__name__, prove.run_in_public.__name__)
"""


def test_the_prover_needs_only_what_its_image_has() -> None:
    """Neither the packages of the app's other functions nor the bundle."""
    command = [sys.executable, "-c", PROVING]
    ran = subprocess.run(command, cwd=settings.ROOT, capture_output=True, text=True, timeout=110, check=False)

    assert (ran.returncode, ran.stdout) == (0, "local run_in_public\n"), ran.stderr
