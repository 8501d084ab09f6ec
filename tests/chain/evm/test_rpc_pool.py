"""The pool of RPC endpoints: whom it believes, whom it asks next, and what it never does."""

import json
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.errors import WrongChain
from kernel.evm.addresses import checksum
from kernel.evm.contracts import Abi, AbiMismatch, Contract, abi_encode
from kernel.evm.fees import GWEI, Fees
from kernel.evm.nonce_use import NonceHistoryUnavailable, NonceUse, nonce_use
from kernel.evm.rpc import RpcPool, Standing
from kernel.evm.transactions import UnsignedTransaction
from kernel.hashes import keccak256
from kernel.jsonrpc.endpoint import Endpoint, EndpointUnavailable, RpcRefused, RpcUnavailable
from kernel.keys.evm import LocalSigner
from kernel.testing import FakeClock

pytestmark = pytest.mark.chain

ANYBODY = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CONTRACT = "0x00000000000000000000000000000000000C0DE1"
# PUSH1 42, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: answers 42 to everything.
ANSWERS_42 = "0x602a60005260206000f3"
# PUSH1 1, PUSH1 0, MSTORE, PUSH1 7, PUSH1 32, PUSH1 0, LOG1: one log with topic 7 and 32 bytes of data.
LOGS_1 = "0x6001600052600760206000a1"
REVERTS = "0x60006000fd"


def pool_of(proxy: FaultProxy, clock: FakeClock | None = None, timeout_s: float = 3.0) -> RpcPool:
    return RpcPool(proxy.urls, 31337, clock or FakeClock(), timeout_s=timeout_s)


def test_a_healthy_pool_reads_from_its_first_endpoint(fault_proxy: FaultProxy) -> None:
    """The order of the URLs is the order of preference."""
    pool = pool_of(fault_proxy)
    for _ in range(5):
        assert pool.head().number == 0

    assert fault_proxy["primary"].calls()["eth_getBlockByNumber"] == 6  # one comparison of heads
    assert fault_proxy["secondary"].calls()["eth_getBlockByNumber"] == 1


@pytest.mark.parametrize("failure", ["http_500", "http_429", "reset", "timeout"])
def test_a_failing_endpoint_is_passed_over(fault_proxy: FaultProxy, failure: str) -> None:
    """The second answers; the first is not asked again before the next comparison."""
    clock = FakeClock()
    pool = pool_of(fault_proxy, clock, timeout_s=1.0)
    pool.head()
    fault_proxy["primary"].inject(failure=failure)
    asked = fault_proxy["primary"].calls().total()
    for _ in range(3):
        assert pool.balance_wei(ANYBODY) == 0

    assert fault_proxy["primary"].calls().total() == asked + 1
    assert [standing for _, standing in pool.standings()] == [Standing.DEGRADED, Standing.ACTIVE]
    fault_proxy.heal()
    clock.advance(6)
    pool.head()
    assert [standing for _, standing in pool.standings()] == [Standing.ACTIVE, Standing.ACTIVE]


def test_a_call_ends_within_its_timeout(fault_proxy: FaultProxy) -> None:
    """A silent provider costs its time-out, not the whole of ours."""
    fault_proxy["primary"].inject(failure="timeout", methods=("eth_getBalance",))
    pool = pool_of(fault_proxy, timeout_s=1.0)
    pool.head()
    started_s = time.monotonic()

    assert pool.balance_wei(ANYBODY) == 0
    assert time.monotonic() - started_s < 2.9  # three by default


def test_no_endpoint_at_all_is_transient(fault_proxy: FaultProxy) -> None:
    """Nobody answers; and the pool recovers by itself once somebody does."""
    pool = pool_of(fault_proxy)
    pool.head()
    with fault_proxy["primary"].injected(outage=True), fault_proxy["secondary"].injected(outage=True):
        for _ in range(2):
            with pytest.raises(RpcUnavailable):
                pool.head()

    assert pool.head().number == 0


def test_a_stale_head_is_left_out_of_reads_but_receives_broadcasts(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """More than five blocks behind the best."""
    fault_proxy["primary"].inject(stale_head=0)
    anvil.mine(6)
    pool = pool_of(fault_proxy)

    assert pool.head().number == 6
    assert pool.standings()[0] == (fault_proxy.urls[0].removeprefix("http://"), Standing.DEGRADED)
    assert [delivery.accepted for delivery in pool.broadcast(b"\x02")] == [False, False]


def test_a_head_within_the_tolerance_is_believed(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """Five blocks are the normal difference between two providers."""
    fault_proxy["primary"].inject(stale_head=0)
    anvil.mine(5)

    assert pool_of(fault_proxy).head().number == 0


def test_every_endpoint_of_another_chain_is_refused_with_the_remedy(fault_proxy: FaultProxy) -> None:
    """The settings are wrong, and say so."""
    with fault_proxy["primary"].injected(chain_id=14), fault_proxy["secondary"].injected(chain_id=14):
        pool = pool_of(fault_proxy)
        with pytest.raises(WrongChain) as refused:
            pool.head()

    assert refused.value.remedy == "Correct the RPC URLs or the chain id in the settings."
    assert refused.value.details["chain_id"] == 31337
    with pytest.raises(WrongChain):  # for good: this container does not believe them any more
        pool.broadcast(b"\x02")


def test_one_endpoint_of_another_chain_is_left_out(fault_proxy: FaultProxy) -> None:
    """The other one serves; the wrong one is asked for its chain id and never again."""
    fault_proxy["primary"].inject(chain_id=14)
    pool = pool_of(fault_proxy)
    pool.head()
    pool.broadcast(b"\x02")

    assert fault_proxy["primary"].calls() == {"eth_chainId": 1}


def test_the_chain_id_is_asked_once_per_endpoint(fault_proxy: FaultProxy) -> None:
    """Once in a container's life, not once a call."""
    clock = FakeClock()
    pool = pool_of(fault_proxy, clock)
    for _ in range(5):
        pool.head()
        clock.advance(60)

    assert [identity.calls()["eth_chainId"] for identity in fault_proxy.identities] == [1, 1]


@pytest.mark.parametrize("answer", [{"result": None}, {"error": {"code": "UPSTREAM", "message": "bad day"}}])
def test_an_endpoint_that_answers_nonsense_speaks_for_nobody_else(anvil: AnvilNode, answer: dict[str, Any]) -> None:
    """An empty result, an error whose code is a word: the others still answer and still receive broadcasts."""

    class Nonsense(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"jsonrpc": "2.0", "id": 1, **answer}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Nonsense) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pool = RpcPool((f"http://127.0.0.1:{server.server_port}", anvil.url), 31337)
        number = pool.head().number
        deliveries = pool.broadcast(b"\x02")
        server.shutdown()

    assert number == 0
    assert len(deliveries) == 1


def test_an_endpoint_that_was_silent_proves_its_chain_before_it_is_used(
    anvil: AnvilNode, fault_proxy: FaultProxy
) -> None:
    """Away at the first survey, then back with another chain: neither read from nor sent to."""
    clock = FakeClock()
    pool = pool_of(fault_proxy, clock)
    fault_proxy["primary"].inject(outage=True)
    pool.head()
    fault_proxy["primary"].inject(chain_id=14)
    for _ in range(3):
        pool.broadcast(b"\x02")
        pool.head()
        clock.advance(6)

    assert fault_proxy["primary"].calls() == {"eth_chainId": 1}
    assert [standing for _, standing in pool.standings()] == [Standing.WRONG_CHAIN, Standing.ACTIVE]


def test_an_endpoint_that_is_away_is_not_asked_at_every_call(fault_proxy: FaultProxy) -> None:
    """Once in each survey."""
    fault_proxy["primary"].inject(failure="http_500")
    pool = pool_of(fault_proxy)
    for _ in range(10):
        pool.head()

    assert fault_proxy["primary"].calls().total() == 1


def test_a_silent_endpoint_does_not_hold_up_a_broadcast(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """One has accepted: the other gets half a second more, not its whole time-out."""
    pool = pool_of(fault_proxy, timeout_s=20)
    pool.head()
    fault_proxy["primary"].inject(failure="timeout")
    signer = LocalSigner(b"\x07" * 32)
    anvil.rpc("anvil_setBalance", signer.address, hex(10**18))
    fees = Fees(max_fee_wei=10 * GWEI, tip_wei=GWEI)
    payment = UnsignedTransaction(
        chain_id=31337, nonce=0, to=ANYBODY, value_wei=7, data=b"", gas_limit=21_000, fees=fees
    )
    started_s = time.monotonic()
    deliveries = pool.broadcast(signer.sign_transaction(payment).raw)

    assert [delivery.accepted for delivery in deliveries] == [False, True]
    assert time.monotonic() - started_s < 10
    fault_proxy.heal()
    assert pool.balance_wei(ANYBODY) == 7


def test_a_nodes_refusal_is_an_answer(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """A revert is the same everywhere: it is raised, and no second endpoint is asked."""
    anvil.rpc("anvil_setCode", CONTRACT, REVERTS)
    pool = pool_of(fault_proxy)

    with pytest.raises(RpcRefused) as refused:
        pool.contract_call(CONTRACT, b"")
    assert "revert" in refused.value.words
    assert fault_proxy["secondary"].calls()["eth_call"] == 0


def test_an_odd_refusal_is_worth_asking_somebody_else(fault_proxy: FaultProxy) -> None:
    """Not a revert: the second endpoint may know better; when all refuse, their words come out."""
    pool = pool_of(fault_proxy)
    pool.head()
    fault_proxy["primary"].inject(failure="rpc_error")
    assert pool.balance_wei(ANYBODY) == 0
    fault_proxy["secondary"].inject(failure="rpc_error")

    with pytest.raises(RpcRefused, match="understood"):
        pool.balance_wei(ANYBODY)


@pytest.mark.parametrize(
    ("code", "words", "chains", "limit"),
    [
        (3, "execution reverted: not yet", True, False),
        (-32000, "execution reverted", True, False),
        (-32602, "invalid argument 0", True, False),
        (-32005, "query returned more than 10000 results", False, True),
        (429, "too many requests", False, True),
        (-32000, "header not found", False, False),
        (-32603, "internal error", False, False),
    ],
)
def test_whose_refusal_it_is(code: int, words: str, chains: bool, limit: bool) -> None:
    """The chain's, the provider's plan's, or just this node's."""
    refused = RpcRefused(method="eth_call", rpc_code=code, words=words)

    assert (refused.is_the_chains, refused.is_a_limit) == (chains, limit)


def test_a_provider_url_never_appears_in_an_error() -> None:
    """Its path is often the credential."""
    url = "http://user:hunter2@127.0.0.1:9/v2/hunter3"
    endpoint, pool = Endpoint(url, timeout_s=0.2), RpcPool((url,), 31337, FakeClock(), timeout_s=0.2)

    with pytest.raises(EndpointUnavailable) as away:
        endpoint.call("eth_chainId", [])
    with pytest.raises(RpcUnavailable) as refused:
        pool.head()
    told = [*traceback.format_exception(away.value), *traceback.format_exception(refused.value)]
    shown = f"{told} {away.value.details} {refused.value.details} {endpoint} {pool.standings()}"
    assert "127.0.0.1:9" in shown
    assert "hunter" not in shown


def test_a_batch_is_answered_in_order_by_one_node(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """One round trip, one view of the chain."""
    anvil.mine(3)
    pool = pool_of(fault_proxy)
    number, balance, chain = pool.batch(
        [("eth_blockNumber", []), ("eth_getBalance", [ANYBODY, "latest"]), ("eth_chainId", [])]
    )

    assert (int(number, 16), int(balance, 16), int(chain, 16)) == (3, 0, 31337)


def test_a_contract_is_read_at_a_block(anvil: AnvilNode) -> None:
    """A decision names the block that it was made at."""
    abi = Abi(
        [{"type": "function", "name": "answer", "inputs": [], "outputs": [{"name": "", "type": "uint256"}]}],
    )
    anvil.mine(1)
    anvil.rpc("anvil_setCode", CONTRACT, ANSWERS_42)
    anvil.mine(1)
    contract = Contract(RpcPool((anvil.url,), 31337), CONTRACT, abi)

    assert contract.call("answer") == 42
    assert contract.call("answer", block=2) == 42
    with pytest.raises(AbiMismatch):
        contract.call("answer", block=0)


def test_logs_come_in_chain_order_from_any_range(anvil: AnvilNode, fault_proxy: FaultProxy) -> None:
    """Twelve blocks of one log each, read in ranges that are halved until the provider is content."""
    anvil.rpc("anvil_setCode", CONTRACT, LOGS_1)
    sender = anvil.rpc("eth_accounts")[0]
    for _ in range(12):
        anvil.send(**{"from": sender, "to": CONTRACT})
    pool = pool_of(fault_proxy)
    seven = (7).to_bytes(32, "big")
    logs = pool.logs([CONTRACT], [seven], from_block=0, to_block=anvil.block_number())

    assert [log.block_number for log in logs] == list(range(1, 13))
    assert {(log.topics, log.data) for log in logs} == {((seven,), abi_encode(["uint256"], [1]))}
    assert pool.logs([CONTRACT], [keccak256(b"x")], from_block=0, to_block=12) == []
    assert pool.logs([CONTRACT], [[seven, keccak256(b"x")]], from_block=12, to_block=12) == logs[-1:]


def test_the_use_of_a_nonce_is_found_in_its_block(anvil: AnvilNode) -> None:
    """Bisection over a hundred blocks; None before it was used, no hash when it is older than the search."""
    sender = anvil.rpc("eth_accounts")[0]
    signer = checksum(sender)
    anvil.mine(40)
    hashes = [anvil.send(**{"from": sender, "to": ANYBODY}) for _ in range(3)]
    anvil.mine(57)
    pool = RpcPool((anvil.url,), 31337)
    found = [nonce_use(pool, signer, nonce, since_block=0, until_block=100) for nonce in range(4)]
    expected = [NonceUse(bytes.fromhex(one[2:]), 41 + position) for position, one in enumerate(hashes)]

    assert found == [*expected, None]
    assert nonce_use(pool, signer, 0, since_block=50, until_block=100) == NonceUse(None, 50)


class PresentPool(RpcPool):
    """A provider that keeps no history and tells the present count whatever block it is asked for."""

    def nonce_agreed(self, address: str, block: int) -> int:
        return super().nonce(address)


def test_a_node_that_ignores_the_block_proves_nothing(anvil: AnvilNode) -> None:
    """Its count is no proof that the nonce was used long ago: our own transaction may have used it just now."""
    sender = anvil.rpc("eth_accounts")[0]
    anvil.mine(40)
    anvil.send(**{"from": sender, "to": ANYBODY})
    anvil.mine(9)

    with pytest.raises(NonceHistoryUnavailable):
        nonce_use(PresentPool((anvil.url,), 31337), checksum(sender), 0, since_block=20, until_block=50)


def test_a_pool_needs_an_endpoint() -> None:
    """An empty setting is a mistake to be told at the start."""
    with pytest.raises(ValueError, match="at least one"):
        RpcPool((), 14)


def test_two_chains_do_not_mix(anvil: AnvilNode, start_anvil: Callable[..., AnvilNode]) -> None:
    """A pool of the second chain refuses the first's node."""
    other = start_anvil(chain_id=99, name="other-chain")

    assert RpcPool((other.url,), 99).head().number == 0
    with pytest.raises(WrongChain):
        RpcPool((anvil.url,), 99).head()
