"""What `make bridge-worker` is told: options, or the environment under the same names in capitals after BRIDGE_."""

import argparse
import getpass
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from functions.bridge.core.registry import Version
from infra.local import settings
from infra.local.bridge.target import Side, Target
from kernel.evm.addresses import AddressInvalid, checksum

PREFIX: Final = "BRIDGE_"
KEY: Final = "private_key"
ETHER_USD: Final = 2_500.0
_KEY_FORM: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_DESCRIPTION: Final = """
Fill the orders of one escrow until Ctrl-C. Any option can stand in the environment: --l1-rpc as BRIDGE_L1_RPC.
The private key of the registry's market maker comes as BRIDGE_PRIVATE_KEY, or from --key-file, or is asked for; it is
never an option, which every process of the machine could read.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the worker is to do.

    ether_usd: the price by which an order's finality is chosen. database_url: a database to keep orders in from run to
    run; None for one that ends with the worker.
    """

    target: Target
    ether_usd: float
    database_url: str | None


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Chosen:
    """What was chosen; argparse ends the program, with its usage, where something is missing or malformed."""
    parser = argparse.ArgumentParser(
        prog="make bridge-worker ARGS=…", description=_DESCRIPTION, argument_default=argparse.SUPPRESS
    )
    option = _Options(parser, environment)
    option(
        "l1-rpc",
        _urls,
        "RPC URLs of L1, separated by commas or blanks, in order of preference; two or more are compared",
    )
    option("l2-rpc", _urls, "the same of the L2")
    option("l1-chain-id", _positive, "what L1 calls itself, as 1")
    option("l2-chain-id", _positive, "what the L2 calls itself, as 324")
    option("registry", _address, "the payment registry on L1")
    option("registry-version", _version, "its generation: 1 or 2")
    option("escrow", _address, "the escrow on L2")
    option("repaid-to", _address, "whom the escrow repays on L2; the key's own address by default", default=None)
    option(
        "confirmations", _positive, "after how many blocks L1 is final; by default what it calls final", default=None
    )
    option("l2-confirmations", _positive, "the same of the L2", default=None)
    option("start-block", _count, "the block of L2 from which orders are read; 0 by default", default=0)
    option("ether-usd", _price, f"what one ether is worth; {ETHER_USD:,.0f} by default", default=ETHER_USD)
    option("database-url", str, "a Postgres database in which orders are kept from run to run", default=None)
    option("key-file", Path, "a file with the private key in hexadecimal", default=None)
    told = parser.parse_args(arguments)
    missing = [name for name in option.wanted if name not in told]
    if missing:
        parser.error(f"what is missing: {', '.join('--' + name.replace('_', '-') for name in missing)}")
    try:
        return _chosen(told, _key(told.key_file, environment))
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _chosen(told: argparse.Namespace, private_key: bytes) -> Chosen:
    target = Target(
        l1=Side(name="L1", urls=told.l1_rpc, chain_id=told.l1_chain_id, contract=told.registry),
        l2=Side(name="L2", urls=told.l2_rpc, chain_id=told.l2_chain_id, contract=told.escrow),
        version=told.registry_version,
        private_key=private_key,
        repaid_to=told.repaid_to,
        confirmations=told.confirmations,
        l2_confirmations=told.l2_confirmations,
        start_block=told.start_block,
    )
    return Chosen(target=target, ether_usd=told.ether_usd, database_url=told.database_url)


class _Options:
    """Adds options whose defaults are the environment's."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self._parser, self._environment = parser, environment
        self.wanted: list[str] = []

    def __call__(self, name: str, form: Callable[[str], Any], meaning: str, **default: Any) -> None:
        field = name.replace("-", "_")
        given = self._environment.get(PREFIX + field.upper())
        if given:
            default = {"default": given}
        elif not default:
            self.wanted.append(field)
        self._parser.add_argument(f"--{name}", type=form, help=meaning, metavar=name.upper(), **default)


def _key(file: Path | None, environment: Mapping[str, str]) -> bytes:
    """The key's 32 bytes. ValueError, which quotes nothing of it, for what is none."""
    if file is not None:
        text = file.read_text(encoding="ascii", errors="replace")
    else:
        text = environment.get(PREFIX + KEY.upper()) or _asked()
    if not _KEY_FORM.fullmatch(text.strip()):
        raise ValueError("the private key is not 32 bytes in hexadecimal (BRIDGE_PRIVATE_KEY, or --key-file)")
    return bytes.fromhex(text.strip().removeprefix("0x"))


def _asked() -> str:
    return getpass.getpass("private key of the market maker (not shown): ") if sys.stdin.isatty() else ""


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(text.replace(",", " ").split())
    if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
        raise argparse.ArgumentTypeError("an RPC URL begins with http:// or https://")
    return urls


def _address(text: str) -> str:
    try:
        return checksum(text.strip())
    except AddressInvalid:
        raise argparse.ArgumentTypeError(f"{text!r} is no address, or its checksum does not hold") from None


def _version(text: str) -> Version:
    try:
        return Version(int(text.strip().lower().removeprefix("v")))
    except ValueError:
        raise argparse.ArgumentTypeError("a registry is of version 1 or 2") from None


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return _count(text)


def _count(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0")
    return number


def _price(text: str) -> float:
    try:
        usd = float(text)
    except ValueError:
        usd = 0.0
    if not 0 < usd < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no price in USD")
    return usd


def load(arguments: Sequence[str]) -> Chosen:
    """From these arguments and this process's environment."""
    return parse(arguments, settings.with_prefix(PREFIX))
