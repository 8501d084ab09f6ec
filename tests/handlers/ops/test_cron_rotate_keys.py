"""Every hour: sealed keys move under the present wrapping key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.ops.cron_rotate_keys import handler
from functions.ops.wiring import ROLE, Deps
from kernel.evm.transactions import recovered_address
from kernel.testing.kernel import KEY_ID, FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/cron_rotate_keys.json").read_text(encoding="utf-8"))


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def counted(text: str) -> dict[str, float]:
    """The last value of each metric that was written."""
    told: dict[str, float] = {}
    for line in text.splitlines():
        written = json.loads(line) if line.startswith("{") else {}
        told |= {name: value[0] for name, value in written.items() if isinstance(value, list) and len(value) == 1}
    return told


def test_keys_move_under_the_present_key(kernel: FakedKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them sign afterwards without the old one; what was done is counted."""
    kernel.keys.add("before")
    kernel.keys.aliases[KEY_ID] = "before"
    addresses = [
        kernel.vault.keep(bytes([7] * 31 + [i]), actor="a test", purpose="treasury", chain="evm:1") for i in range(3)
    ]
    kernel.keys.aliases.clear()

    answer = handler.bind(Deps(kernel))(EVENT, None)

    assert answer == {"status": "done"}
    metrics = counted(capsys.readouterr().out)
    assert (metrics["keys_rotated"], metrics["keys_refused"], metrics["keys_to_rotate"]) == (3, 0, 0)
    kernel.keys.disable("before")
    for address in addresses:
        signature = kernel.vault.evm_signer(address, purpose="treasury", chain="evm:1").sign_digest(b"\x01" * 32)
        assert recovered_address(b"\x01" * 32, signature) == address


def test_an_hour_without_kms_is_made_up_for(kernel: FakedKernel) -> None:
    """Nothing to seal with: the failure is told, and no key was touched."""
    kernel.vault.keep(b"\x07" * 32, actor="a test", purpose="treasury", chain="evm:1")
    before = kernel.vault.kept()
    kernel.keys.disable(KEY_ID)
    with pytest.raises(Exception, match="KMS key cannot be used"):
        handler.bind(Deps(kernel))(EVENT, None)

    assert kernel.vault.kept() == before


def test_secrets_of_webhooks_move_with_the_keys(kernel: FakedKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """So that nothing needs the old wrapping key any more."""
    kernel.keys.add("before")
    kernel.keys.aliases[KEY_ID] = "before"
    Deps(kernel).webhook_endpoints.create(
        owner="service:ops", url="https://hooks.example.org/", topics=["ops.*"], actor="a test"
    )
    kernel.keys.aliases.clear()

    handler.bind(Deps(kernel))(EVENT, None)

    assert 1 == counted(capsys.readouterr().out)["webhook_secrets_rotated"]
