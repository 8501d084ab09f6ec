"""Which bridge a worker serves: a registry on one chain and an escrow on another, by whomever they were deployed.

Everything is asked of the chains before the worker starts, so that a slip is named and nothing is paid by it.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from eth_account import Account

from functions.bridge.core.registry import Family, L2Gas, Payment, Version, chain_of, claim_call, transfers_call
from infra.local.failures import LocalFailure

ANSWER_WITHIN_S: Final = 10.0
#: The pace of a chain is that of so many blocks.
PACE_BLOCKS: Final = 50
BLOCK_S_MIN, BLOCK_S_MAX = 0.25, 15.0
#: Nobody's: the claim of a payment that never was.
NOBODY: Final = "0x000000000000000000000000000000000000dEaD"
_WORDS_OF: Final = {Version.V1: 4, Version.V2: 1}
_NOT_ALLOWED: Final = "only owner or mm"


class TargetUnusable(LocalFailure):
    """The worker cannot serve what it was told to; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One chain, as the worker is told of it: its endpoints in order of preference, and our contract there."""

    name: str
    urls: tuple[str, ...]
    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bridge to serve.

    repaid_to: whom the escrow repays, the signer if None. confirmations, l2_confirmations: after how many blocks L1 and
    L2 are final, None for what they call so. start_block: of L2.
    """

    l1: Side
    l2: Side
    version: Version
    private_key: bytes = field(repr=False)
    repaid_to: str | None = None
    confirmations: int | None = None
    l2_confirmations: int | None = None
    start_block: int = 0

    @property
    def signer(self) -> str:
        """Whose key it is."""
        return str(Account.from_key(self.private_key).address)

    @property
    def account(self) -> str:
        """Whom the escrow repays."""
        return self.repaid_to or self.signer


class _Refused(Exception):
    """A node answered with a JSON-RPC error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the chains say of a target: what the signer holds on L1, and the L2's present pace.

    block_s: between two of its blocks. finality_s: how far behind its newest block the newest final one is.
    """

    held_wei: int
    block_s: float
    finality_s: float


def check(target: Target) -> Found:
    """Whether both chains have what the worker needs, and what it should know of them. Raises TargetUnusable."""
    try:
        for side, what in ((target.l1, "registry"), (target.l2, "escrow")):
            for url in side.urls:
                _check_chain(side, url)
            _check_code(side, what)
        _check_version(target)
        _check_may_claim(target)
        held = int(_ask(target.l1, "eth_getBalance", target.signer, "latest"), 16)
        block_s, finality_s = _pace(target)
    except _Refused as refused:
        raise TargetUnusable(f"An RPC endpoint refuses a question: {refused}.") from None
    if held == 0:
        raise TargetUnusable(
            f"The wallet {target.signer} holds nothing on {target.l1.name} (chain {target.l1.chain_id}): "
            "send it what it is to pay orders with."
        )
    return Found(held_wei=held, block_s=block_s, finality_s=finality_s)


def settled_wei(target: Target) -> int:
    """What the signer holds in the newest block of L1 that is final. Raises TargetUnusable."""
    try:
        newest, _ = _block(target.l1, "latest")
        tag = "finalized" if target.confirmations is None else hex(max(0, newest - target.confirmations + 1))
        return int(_ask(target.l1, "eth_getBalance", target.signer, tag), 16)
    except _Refused as refused:
        raise TargetUnusable(f"An RPC endpoint refuses a question: {refused}.") from None


def _pace(target: Target) -> tuple[float, float]:
    """Of the L2's newest blocks; a chain that mines on demand, or has none yet, is taken for a quick one."""
    newest, newest_s = _block(target.l2, "latest")
    earlier, earlier_s = _block(target.l2, hex(max(0, newest - PACE_BLOCKS)))
    block_s = min(max((newest_s - earlier_s) / max(1, newest - earlier), BLOCK_S_MIN), BLOCK_S_MAX)
    if target.l2_confirmations is not None:
        return block_s, target.l2_confirmations * block_s
    final, _ = _block(target.l2, "finalized")
    return block_s, max(1, newest - final) * block_s


def _block(side: Side, tag: str) -> tuple[int, int]:
    """Number and time of a block."""
    block = _ask(side, "eth_getBlockByNumber", tag, False)
    return int(block["number"], 16), int(block["timestamp"], 16)


def _check_chain(side: Side, url: str) -> None:
    told = int(_call(side, url, "eth_chainId"), 16)
    if told != side.chain_id:
        raise TargetUnusable(
            f"{_place(url)} is chain {told}, and {side.name} was to be chain {side.chain_id}: correct the address of "
            f"{side.name} or its chain id."
        )


def _check_code(side: Side, what: str) -> None:
    if _ask(side, "eth_getCode", side.contract, "latest") == "0x":
        raise TargetUnusable(
            f"There is no contract at {side.contract} on {side.name} (chain {side.chain_id}), where the {what} was to "
            f"be: correct the {what}'s address, or the chain."
        )


def _check_version(target: Target) -> None:
    """The generations answer `transfers` with four words and with one."""
    try:
        words = (len(_view(target, transfers_call(bytes(32)))) - 2) // 64
    except _Refused:
        words = 0
    of = {count: version for version, count in _WORDS_OF.items()}.get(words)
    if of is None:
        raise TargetUnusable(f"The contract at {target.l1.contract} on {target.l1.name} is no payment registry.")
    if of != target.version:
        raise TargetUnusable(
            f"The registry at {target.l1.contract} is of version {of.value}, and was to be of version "
            f"{target.version.value}: correct the version."
        )


def _check_may_claim(target: Target) -> None:
    """Who pays and may not claim has lost what was paid: registries take claims of their market maker alone."""
    nobodys = Payment(order_id=0, recipient=NOBODY, amount_wei=1, chain=chain_of(target.version, Family.ZKSYNC))
    try:
        _view(target, claim_call(target.version, Family.ZKSYNC, [nobodys], L2Gas(limit=0, per_pubdata_byte=0)))
    except _Refused as refused:
        if _NOT_ALLOWED in str(refused).lower():
            raise TargetUnusable(
                f"The registry at {target.l1.contract} lets {target.signer} claim nothing, so whatever it paid would "
                "be lost: use the key of its market maker, or have its owner name this address."
            ) from None


def _view(target: Target, call: bytes) -> str:
    asked = {"from": target.signer, "to": target.l1.contract, "data": "0x" + call.hex()}
    return str(_ask(target.l1, "eth_call", asked, "latest"))


def _ask(side: Side, method: str, *params: Any) -> Any:
    return _call(side, side.urls[0], method, *params)


def _call(side: Side, url: str, method: str, *params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        answer = httpx.post(url, json=body, timeout=ANSWER_WITHIN_S).json()
        if "error" in answer:
            raise _Refused(f"{_place(url)}, {method}: {answer['error'].get('message')}")
        return answer["result"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, AttributeError) as error:
        raise TargetUnusable(
            f"Nothing at {_place(url)} answers as an RPC endpoint of {side.name} does ({type(error).__name__})."
        ) from None


def _place(url: str) -> str:
    """An address without what may be a credential: paths of RPC endpoints often are."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
