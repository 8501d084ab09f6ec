"""A Starknet network whose chain is written by hand: endpoints that speak its JSON-RPC, each with faults of its own.

No Starknet node comes with the packages. The answers are made from tests/fixtures/bridge/starknet_rpc.json, which is
constructed from the published spec; what this server refuses, and with which code, is the spec's, too.
"""

import copy
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from functions.bridge.core.starknet import CLAIM_PAYMENT, GET_ORDER_PENDING, SET_ORDER, halves
from infra.local.bridge.deployment import STARKNET_ESCROW
from tests.repo.house import ROOT

SPEC: Mapping[str, Any] = json.loads((ROOT / "tests/fixtures/bridge/starknet_rpc.json").read_text())

CHAIN_ID = "SN_SEPOLIA"
ESCROW = STARKNET_ESCROW
ACCOUNT = 0xACC
BORN_S = 1_763_722_800
#: What no spec has, and providers answer.
OF_PROVIDERS = {"TOO_WIDE": {"code": -32000, "message": "block range is too wide"}}
FELT = re.compile(r"0x(0|[a-fA-F1-9][a-fA-F0-9]{0,62})")


class Refused(Exception):
    """An error of the spec, by its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.error = SPEC["errors"].get(name) or OF_PROVIDERS[name]


@dataclass(frozen=True)
class Spoken:
    """One event of one transaction."""

    transaction_hash: int
    address: int
    keys: Sequence[int]
    data: Sequence[int]

    def content(self) -> dict[str, Any]:
        """EVENT."""
        return {"from_address": hex(self.address), "keys": [*map(hex, self.keys)], "data": [*map(hex, self.data)]}


@dataclass
class Written:
    """One block."""

    number: int
    hash: int
    parent_hash: int
    spoken: list[Spoken] = field(default_factory=list)
    status: str = "ACCEPTED_ON_L2"

    def header(self) -> dict[str, Any]:
        """BLOCK_HEADER and the status."""
        written: dict[str, Any] = copy.deepcopy(SPEC["block"])
        return written | {
            "status": self.status,
            "block_hash": hex(self.hash),
            "parent_hash": hex(self.parent_hash),
            "block_number": self.number,
            "timestamp": BORN_S + 30 * self.number,
        }

    def hashes(self) -> list[int]:
        """Of its transactions, in order."""
        return list(dict.fromkeys(one.transaction_hash for one in self.spoken))


@dataclass
class Faults:
    """What one endpoint does that it should not."""

    lags: int = 0  # blocks that it has not heard of
    leaves_out: set[int] = field(default_factory=set)  # transactions whose events its index lacks
    receipts_lie: bool = False  # its receipts lack them, too
    invents: list[tuple[int, Spoken]] = field(default_factory=list)  # events of blocks that have none
    chain: "Chain | None" = None  # another chain than the network's
    page_max: int = 1_024
    range_max: int = 10**9  # blocks in one question for events
    token_loops: bool = False
    token_forgotten: bool = False
    replaced: dict[str, str] = field(default_factory=dict)  # texts of its answers, and what stands there instead
    fee_wei: int | None = None
    refuses: dict[str, str] = field(default_factory=dict)  # methods, and the error's name
    away: bool = False
    newer: bool = False  # it speaks version 0.10, which has more fields
    empty_pages: bool = False  # a token with every page, and a page without events before each other one


class Chain:
    """The blocks of one chain, oldest first."""

    _hashes = count(0xB10C_0000)

    def __init__(self, blocks: Sequence[Written] = ()) -> None:
        self.blocks = list(blocks)

    def mine(self, *spoken: Spoken) -> Written:
        """A further block; its hash is one that was never there."""
        parent = self.blocks[-1].hash if self.blocks else 0
        self.blocks.append(Written(len(self.blocks), (next(self._hashes) << 200) + 7, parent, list(spoken)))
        return self.blocks[-1]

    def fork(self, at: int) -> "Chain":
        """A chain with the same blocks below this height."""
        return Chain(self.blocks[:at])


class Network:
    """A chain with an escrow, and endpoints that tell of it."""

    def __init__(self) -> None:
        self.chain = Chain()
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self._transactions = count(0xAB << 240)

    def set_order(
        self, order_id: int, *, recipient: int = 0xD17D, amount_wei: int = 10**18, fee_wei: int = 10**15
    ) -> Spoken:
        """What the escrow says of a deposit."""
        data = (*halves(order_id), recipient, *halves(amount_wei), *halves(fee_wei))
        return Spoken(next(self._transactions), ESCROW, (SET_ORDER,), data)

    def claim_payment(self, order_id: int, amount_wei: int = 10**18) -> Spoken:
        """What the escrow says of a repayment."""
        data = (*halves(order_id), ACCOUNT, *halves(amount_wei))
        return Spoken(next(self._transactions), ESCROW, (CLAIM_PAYMENT,), data)

    def mine(self, *spoken: Spoken) -> Written:
        """A further block."""
        return self.chain.mine(*spoken)

    def accept_on_l1(self, number: int) -> None:
        """All blocks up to this height are proven on L1."""
        for block in self.chain.blocks[: number + 1]:
            block.status = "ACCEPTED_ON_L1"

    @contextmanager
    def endpoint(self, faults: Faults) -> Iterator[str]:
        """An endpoint's URL, as long as the block lasts."""
        network = self

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if faults.away:
                    return self._say(503, b"")
                answers = [network.answer(faults, one) for one in (asked if isinstance(asked, list) else [asked])]
                text = json.dumps(answers if isinstance(asked, list) else answers[0])
                for old, new in faults.replaced.items():
                    text = text.replace(old, new)
                return self._say(200, text.encode())

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, faults: Faults, asked: dict[str, Any]) -> dict[str, Any]:
        """The JSON-RPC answer to one call."""
        self.calls.append(asked["method"])
        self.asked.append(asked)
        name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", asked["method"].removeprefix("starknet_"))
        envelope = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            if asked["method"] in faults.refuses:
                raise Refused(faults.refuses[asked["method"]])
            # By position, as the product asks, or by the spec's names, as others do.
            params = asked.get("params") or []
            named = params if isinstance(params, dict) else {}
            return envelope | {"result": getattr(self, f"_{name}")(faults, *([] if named else params), **named)}
        except Refused as refused:
            return envelope | {"error": refused.error}

    def _seen(self, faults: Faults) -> list[Written]:
        blocks = (faults.chain or self.chain).blocks
        return blocks[: len(blocks) - faults.lags]

    def _block(self, faults: Faults, block_id: Any) -> Written:
        seen = self._seen(faults)
        if block_id == "latest":
            return seen[-1]
        [(kind, value)] = block_id.items()
        found = [
            one for one in seen if (one.number == value if kind == "block_number" else hex(one.hash) == _felt(value))
        ]
        if not found:
            raise Refused("BLOCK_NOT_FOUND")
        return found[0]

    def _chain_id(self, _: Faults) -> str:
        return hex(int.from_bytes(CHAIN_ID.encode(), "big"))

    def _spec_version(self, faults: Faults) -> str:
        return "0.10.2" if faults.newer else "0.8.1"

    def _block_number(self, faults: Faults) -> int:
        return self._seen(faults)[-1].number

    def _get_block_with_tx_hashes(self, faults: Faults, block_id: Any) -> dict[str, Any]:
        block = self._block(faults, block_id)
        newer = SPEC["added_in_0_10"]["block"] if faults.newer else {}
        return block.header() | newer | {"transactions": [*map(hex, block.hashes())]}

    def _get_block_with_receipts(self, faults: Faults, block_id: Any) -> dict[str, Any]:
        block = self._block(faults, block_id)
        events = self._told(faults, block) if faults.receipts_lie else block.spoken
        transactions = []
        for one in dict.fromkeys(event.transaction_hash for event in events):
            whole = copy.deepcopy(SPEC["transaction_with_receipt"])
            whole["receipt"]["transaction_hash"] = hex(one)
            whole["receipt"]["events"] = [event.content() for event in events if event.transaction_hash == one]
            transactions.append(whole)
        return block.header() | {"transactions": transactions}

    def _get_events(self, faults: Faults, filter: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 (the spec's name)
        asked = filter
        assert {"from_block", "to_block", "address", "keys", "chunk_size"} <= set(asked)
        if asked["chunk_size"] > faults.page_max:
            raise Refused("PAGE_SIZE_TOO_BIG")
        first, last = (self._block(faults, asked[name]).number for name in ("from_block", "to_block"))
        if last - first >= faults.range_max:
            raise Refused("TOO_WIDE")
        found = [
            one.content()
            | {
                "block_hash": hex(block.hash),
                "block_number": block.number,
                "transaction_hash": hex(one.transaction_hash),
            }
            for block in self._seen(faults)[first : last + 1]
            for one in self._told(faults, block)
            if hex(one.address) == _felt(asked["address"]) and _matches(one, asked["keys"])
        ]
        assert all(set(one) == set(SPEC["event"]) for one in found)
        if faults.newer:
            found = [one | SPEC["added_in_0_10"]["event"] for one in found]
        return self._page(faults, asked, found)

    def _page(self, faults: Faults, asked: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        token, size = asked.get("continuation_token"), asked["chunk_size"]
        if token is not None and faults.token_forgotten:
            raise Refused("INVALID_CONTINUATION_TOKEN")
        step = int(token.removeprefix("page-")) if token else 0
        start = size * (step // 2 if faults.empty_pages else step)
        is_empty = faults.empty_pages and step % 2 == 0
        page: dict[str, Any] = {"events": [] if is_empty else found[start : start + size]}
        if is_empty or start + size < len(found):
            page["continuation_token"] = f"page-{step if faults.token_loops and step else step + 1}"
        return page

    def _told(self, faults: Faults, block: Written) -> list[Spoken]:
        honest = [one for one in block.spoken if one.transaction_hash not in faults.leaves_out]
        return [*honest, *(one for number, one in faults.invents if number == block.number)]

    def _call(self, faults: Faults, request: dict[str, Any], block_id: Any) -> list[str]:
        assert _felt(request["entry_point_selector"]) == hex(GET_ORDER_PENDING)
        if _felt(request["contract_address"]) != hex(ESCROW):
            raise Refused("CONTRACT_NOT_FOUND")
        asked = tuple(int(one, 16) for one in request["calldata"])
        block = self._block(faults, block_id)
        spoken = [one for known in self._seen(faults)[: block.number + 1] for one in known.spoken]
        kinds = [one.keys[0] for one in spoken if tuple(one.data[:2]) == asked]
        return ["0x1" if SET_ORDER in kinds and CLAIM_PAYMENT not in kinds else "0x0"]

    def _estimate_message_fee(self, faults: Faults, message: dict[str, Any], block_id: Any) -> dict[str, Any]:
        assert re.fullmatch("0x[a-fA-F0-9]{40}", message["from_address"])
        assert all(_felt(one) for one in (message["to_address"], message["entry_point_selector"], *message["payload"]))
        self._block(faults, block_id)
        estimate = dict(SPEC["fee_estimate"])
        return estimate if faults.fee_wei is None else estimate | {"overall_fee": hex(faults.fee_wei)}


def _felt(text: str) -> str:
    assert FELT.fullmatch(text), text
    return text


def _matches(one: Spoken, keys: Sequence[Sequence[str]]) -> bool:
    return len(one.keys) >= len(keys) and all(
        not any_of or hex(key) in any_of for key, any_of in zip(one.keys, keys, strict=False)
    )
