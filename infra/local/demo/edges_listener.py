"""A client without a browser: signs in with a wallet of its own, and prints what is pushed to it."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.demo.transfers_desk import Desk
from infra.local.flare.accounts import dev_account
from infra.local.treasury_stage import EVM_CHAIN_ID
from kernel import siwe
from kernel.keys.evm import LocalSigner

PATIENCE_S: Final = 120.0
TOPIC: Final = "admin"


def sign_in(desk: Desk) -> str:
    """A session of a wallet that an administrator has made an administrator, too; its token."""
    signer = LocalSigner(dev_account("edges", "administrator").private_key)
    desk.make_administrator(f"evm:{signer.address}")
    wallet = {"scheme": "siwe", "address": signer.address, "chain_id": str(EVM_CHAIN_ID)}
    text = desk.post("/v1/ops/sessions/challenge", wallet)["text"]
    signature = "0x" + signer.sign_digest(siwe.digest(text)).to_bytes().hex()
    return str(desk.post("/v1/ops/sessions", {"scheme": "siwe", "text": text, "signature": signature})["token"])


class Listener:
    """One WebSocket connection that reads what administrators are told; `heard` is called with each message's body."""

    def __init__(self, url: str, token: str, heard: Callable[[dict[str, Any]], None]) -> None:
        spoken = [Subprotocol("counterpart.v1"), Subprotocol(f"bearer.{token}")]
        self._socket: ClientConnection = connect(url, subprotocols=spoken, open_timeout=PATIENCE_S)
        self._heard, self._news = heard, set[tuple[str, str]]()
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def __enter__(self) -> Self:
        self._socket.send(json.dumps({"action": "subscribe", "topics": [TOPIC]}))
        answer = json.loads(self._socket.recv(PATIENCE_S))
        if answer["type"] != "ack":
            raise SceneFailed(f"the subscription was answered with {answer}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(10.0)

    def wait_for(self, news: str, key: str) -> None:
        """Until this was pushed."""
        wait_for(lambda: (news, key) in self._news or None, f"the push of {news}", within_s=PATIENCE_S, every_s=0.05)

    def _listen(self) -> None:
        with suppress(ConnectionClosed):
            for message in self._socket:
                told = json.loads(message)
                if told["type"] == "data":
                    body = told["body"]
                    self._news.add((body["news"], body["key"]))
                    self._heard(body)
