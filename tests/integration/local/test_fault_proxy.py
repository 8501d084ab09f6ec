"""Each RPC identity fails in the way it was told to, and only that one."""

import time
from typing import Any

import httpx
import pytest
from eth_account import Account
from websockets.sync.client import connect

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy, RpcIdentity

pytestmark = pytest.mark.integration

# The first account of every anvil: its key is public knowledge.
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = Account.from_key(KEY).address


@pytest.fixture
def primary(fault_proxy: FaultProxy) -> RpcIdentity:
    return fault_proxy["primary"]


@pytest.fixture
def secondary(fault_proxy: FaultProxy) -> RpcIdentity:
    return fault_proxy["secondary"]


def test_a_healthy_identity_answers_as_the_node(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """Without faults, both identities tell the node's own answers, and count the calls."""
    anvil.mine(3)

    assert [rpc(one, "eth_blockNumber") for one in fault_proxy.identities] == ["0x3", "0x3"]
    assert fault_proxy["primary"].calls() == {"eth_blockNumber": 1}


def test_a_batch_is_answered_by_a_list(primary: RpcIdentity) -> None:
    """A JSON-RPC batch keeps its ids."""
    calls = [{**call("eth_chainId"), "id": one} for one in (7, 8)]

    assert [answer["id"] for answer in httpx.post(primary.url, json=calls).json()] == [7, 8]


@pytest.mark.parametrize(("failure", "status"), [("http_500", 500), ("http_429", 429)])
def test_a_status_failure(primary: RpcIdentity, secondary: RpcIdentity, failure: Any, status: int) -> None:
    """One identity answers with the status, the other is well."""
    primary.inject(failure=failure)

    assert post(primary, "eth_chainId").status_code == status
    assert rpc(secondary, "eth_chainId") == "0x7a69"


def test_an_rpc_error(primary: RpcIdentity) -> None:
    """Status 200 and a JSON-RPC error."""
    primary.inject(failure="rpc_error")

    assert "error" in post(primary, "eth_chainId").json()


def test_a_reset(primary: RpcIdentity) -> None:
    """The connection is cut before the answer."""
    primary.inject(failure="reset")

    with pytest.raises(httpx.TransportError):
        post(primary, "eth_chainId")


def test_a_timeout(primary: RpcIdentity) -> None:
    """No answer comes."""
    primary.inject(failure="timeout")

    with pytest.raises(httpx.ReadTimeout):
        post(primary, "eth_chainId", timeout_s=0.3)


def test_only_the_named_methods_fail(primary: RpcIdentity) -> None:
    """A failure may be meant for some methods only."""
    primary.inject(failure="http_500", methods=("eth_chainId",))

    assert post(primary, "eth_chainId").status_code == 500
    assert rpc(primary, "eth_blockNumber") == "0x0"


def test_some_calls_fail_the_same_ones_for_the_same_seed(primary: RpcIdentity) -> None:
    """A failure rate is drawn from the seed."""
    runs = []
    for _ in range(2):
        primary.inject(failure="http_500", failure_rate=0.5, seed=42)
        runs.append([post(primary, "eth_chainId").status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_latency(primary: RpcIdentity) -> None:
    """Answers wait as long as they were told to."""
    primary.inject(latency_s=0.3)
    started = time.monotonic()
    rpc(primary, "eth_chainId")

    assert time.monotonic() - started >= 0.3


def test_the_wrong_chain(primary: RpcIdentity) -> None:
    """eth_chainId and net_version lie alike."""
    primary.inject(chain_id=14)

    assert (rpc(primary, "eth_chainId"), rpc(primary, "net_version")) == ("0xe", "14")


def test_a_stale_head_sees_nothing_above_its_height(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """Height, blocks by tag and number, balances and receipts stand still; below the height all is there."""
    anvil.mine(2)
    sent = anvil.rpc("eth_sendRawTransaction", signed_payment(nonce=0))
    primary.inject(stale_head=2)

    assert rpc(primary, "eth_blockNumber") == "0x2"
    assert rpc(primary, "eth_getBlockByNumber", "latest", False)["number"] == "0x2"
    assert rpc(primary, "eth_getBlockByNumber", "0x3", False) is None
    assert rpc(primary, "eth_getTransactionReceipt", sent) is None
    assert rpc(primary, "eth_getTransactionCount", ADDRESS, "latest") == "0x0"
    assert rpc(primary, "eth_getLogs", {"fromBlock": "0x3", "toBlock": "latest"}) == []
    assert rpc(primary, "eth_getBlockByNumber", "0x1", False)["number"] == "0x1"


def test_finality_stands_still_too(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """`finalized` is the node's own while below the height, and the height afterwards."""
    anvil.mine(10)
    primary.inject(stale_head=9)
    below = rpc(primary, "eth_getBlockByNumber", "finalized", False)["number"]
    anvil.mine(10)

    assert below == "0x8"
    assert rpc(primary, "eth_getBlockByNumber", "finalized", False)["number"] == "0x9"


def test_a_transaction_taken_and_then_denied(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """The client hears an error although the node took the transaction."""
    primary.inject(send="error")
    answer = post(primary, "eth_sendRawTransaction", signed_payment(nonce=0)).json()

    assert "error" in answer
    assert anvil.rpc("eth_getTransactionCount", ADDRESS, "pending") == "0x1"


def test_a_transaction_whose_answer_is_lost(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """The connection is cut after the node took the transaction."""
    primary.inject(send="lost")
    with pytest.raises(httpx.TransportError):
        post(primary, "eth_sendRawTransaction", signed_payment(nonce=0))

    assert anvil.rpc("eth_getTransactionCount", ADDRESS, "pending") == "0x1"


def test_a_transaction_that_is_swallowed(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """The client hears the right hash, the node sees nothing."""
    primary.inject(send="swallowed")
    raw = signed_payment(nonce=0)
    told = rpc(primary, "eth_sendRawTransaction", raw)

    assert anvil.rpc("eth_getTransactionCount", ADDRESS, "pending") == "0x0"
    assert told == anvil.rpc("eth_sendRawTransaction", raw)


def test_an_outage_cuts_open_connections_and_ends(primary: RpcIdentity) -> None:
    """During an outage nothing is answered, even on a connection that was open; afterwards all is well."""
    with httpx.Client() as client:
        client.post(primary.url, json=call("eth_chainId"))
        with primary.injected(outage=True), pytest.raises(httpx.TransportError):
            client.post(primary.url, json=call("eth_chainId"))

    assert rpc(primary, "eth_chainId") == "0x7a69"


def test_a_websocket_passes_through(anvil: AnvilNode, primary: RpcIdentity) -> None:
    """A subscription through the proxy hears of new blocks."""
    with connect(primary.ws_url) as socket:
        socket.send('{"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}')
        socket.recv(timeout=5)
        anvil.mine()

        assert "eth_subscription" in str(socket.recv(timeout=5))


def test_an_unknown_fault_is_refused(primary: RpcIdentity) -> None:
    """A fault that does not exist is an error where it is injected, not a silence."""
    with pytest.raises(TypeError):
        primary.inject(no_such_fault=True)


def signed_payment(nonce: int) -> str:
    payment = {"to": ADDRESS, "value": 1, "gas": 21_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    return str(Account.sign_transaction({**payment, "nonce": nonce, "chainId": 31337}, KEY).raw_transaction.to_0x_hex())


def call(method: str, *params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def post(identity: RpcIdentity, method: str, *params: object, timeout_s: float = 5.0) -> httpx.Response:
    return httpx.post(identity.url, json=call(method, *params), timeout=timeout_s)


def rpc(identity: RpcIdentity, method: str, *params: object) -> Any:
    return post(identity, method, *params).raise_for_status().json()["result"]
