"""What the bridge's worker is told, as options or in the environment; and how it tells a step of an order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.bridge.core.registry import Version
from infra.local.bridge.arguments import ETHER_USD, parse
from infra.local.bridge.steps import line

pytestmark = pytest.mark.unit

KEY = "0x" + "11" * 32
REGISTRY, ESCROW = "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
TOLD = {
    "l1-rpc": "http://one, https://two/key",
    "l2-rpc": "http://three",
    "l1-chain-id": "1",
    "l2-chain-id": "0x144",
    "registry": REGISTRY.lower(),
    "registry-version": "v2",
    "escrow": ESCROW,
}
ENVIRONMENT = {"BRIDGE_PRIVATE_KEY": KEY}


def options(told: dict[str, str]) -> list[str]:
    """As a shell passes them."""
    return [word for name, value in told.items() for word in (f"--{name}", value)]


def variables(told: dict[str, str]) -> dict[str, str]:
    """As they stand in the environment."""
    return {f"BRIDGE_{name.replace('-', '_').upper()}": value for name, value in told.items()}


def test_options_name_a_bridge() -> None:
    """Addresses get their checksums, and what is optional its default."""
    chosen = parse(options(TOLD), ENVIRONMENT)
    target = chosen.target

    assert ("http://one", "https://two/key") == target.l1.urls
    assert (1, 324) == (target.l1.chain_id, target.l2.chain_id)
    assert (REGISTRY, ESCROW, Version.V2) == (target.l1.contract, target.l2.contract, target.version)
    assert bytes.fromhex("11" * 32) == target.private_key
    assert (None, None, 0) == (target.confirmations, target.l2_confirmations, target.start_block)
    assert target.account == target.signer
    assert (ETHER_USD, None) == (chosen.ether_usd, chosen.database_url)


def test_the_environment_says_the_same() -> None:
    """Under the options' names; an option is stronger."""
    environment = ENVIRONMENT | variables(TOLD) | {"BRIDGE_CONFIRMATIONS": "3", "BRIDGE_START_BLOCK": "17"}
    chosen = parse(["--confirmations", "5"], environment).target

    assert (5, 17, 324) == (chosen.confirmations, chosen.start_block, chosen.l2.chain_id)


def test_the_key_comes_from_a_file_too(tmp_path: Path) -> None:
    """With or without 0x and a line end."""
    file = tmp_path / "key"
    file.write_text("22" * 32 + "\n", encoding="ascii")

    assert bytes.fromhex("22" * 32) == parse([*options(TOLD), "--key-file", str(file)], {}).target.private_key


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"escrow": "0x8617E340B3D01FA5F11F306F4090FD50E238070d"}, "checksum"),
        ({"registry": "the registry"}, "no address"),
        ({"registry-version": "3"}, "version 1 or 2"),
        ({"l1-rpc": "localhost:8545"}, "http://"),
        ({"l1-chain-id": "0"}, "no number from 1"),
        ({"start-block": "-1"}, "no number from 0"),
        ({"ether-usd": "much"}, "no price"),
    ],
    ids=lambda wrong: next(iter(wrong)) if isinstance(wrong, dict) else "",
)
def test_a_malformed_option_is_named(wrong: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is wrong about it."""
    with pytest.raises(SystemExit):
        parse(options(TOLD | wrong), ENVIRONMENT)
    told = capsys.readouterr().err

    assert f"--{next(iter(wrong))}" in told
    assert said in told


def test_what_is_missing_is_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it in one sentence."""
    left = {name: value for name, value in TOLD.items() if name not in ("escrow", "l2-rpc")}
    with pytest.raises(SystemExit):
        parse(options(left), ENVIRONMENT)

    assert "what is missing: --l2-rpc, --escrow" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["", "0x12", KEY + "00", "zz" * 32])
def test_a_malformed_key_is_refused_and_not_repeated(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the terminal must not learn half of it."""
    with pytest.raises(SystemExit):
        parse(options(TOLD), {"BRIDGE_PRIVATE_KEY": key})
    told = capsys.readouterr().err

    assert "32 bytes in hexadecimal" in told
    assert not key or key not in told


def row(**changed: Any) -> dict[str, Any]:
    """A step as it is stored."""
    at = datetime(2026, 11, 21, 12, 1, 2, tzinfo=UTC)
    kept = {"id": 1, "origin": "zksync", "order_id": 17, "generation": 1, "happened_at": at, "amount_wei": 10**16}
    return {**kept, "event": "accept", "state_left": "pending", "state": "processing", "told": None, **changed}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (row(), "12:01:02  zksync/17    accept    pending -> processing        0.01 ETH"),
        (row(event="index", state_left=None, state="pending"), "zksync/17    index     pending  "),
        (
            row(event="drop", state="dropped", told="recipient_refuses"),
            "pending -> dropped           recipient_refuses",
        ),
        (row(generation=2), "zksync/17 (generation 2)"),
        (row(event=None, state="proving", told="code, words"), "zksync/17    failed while proving: code, words"),
    ],
)
def test_a_step_is_one_line(step: dict[str, Any], told: str) -> None:
    """When, whose, what, and from where to where."""
    assert told in line(step)
