"""Providers refuse wide ranges of logs and leave logs out, each identity as it was told."""

import pytest

from infra.local.anvil import AnvilNode
from infra.local.fault_proxy import FaultProxy
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import RpcRefused
from tests.chain.cursors.emitter import Emitter

pytestmark = pytest.mark.chain


@pytest.fixture
def wanted(anvil: AnvilNode) -> dict[str, object]:
    """Three blocks of two logs each, and the filter that finds them."""
    emitter = Emitter(anvil)
    for _ in range(3):
        emitter.emit(2)
    return {"address": emitter.address, "fromBlock": "0x1", "toBlock": "0x3"}


def test_a_wide_range_is_refused(anvil: AnvilNode, fault_proxy: FaultProxy, wanted: dict[str, object]) -> None:
    """A range of three blocks is refused where two are allowed, in words that name the limit."""
    pool = RpcPool(fault_proxy.urls[:1], anvil.chain_id)
    fault_proxy["primary"].inject(logs_range_max=2)

    with pytest.raises(RpcRefused) as refused:
        pool.readers()[0].call("eth_getLogs", [wanted])

    assert refused.value.words == "eth_getLogs is limited to a 2 block range"
    assert len(pool.call("eth_getLogs", [wanted | {"toBlock": "0x2"}])) == 4


def test_logs_are_left_out(anvil: AnvilNode, fault_proxy: FaultProxy, wanted: dict[str, object]) -> None:
    """One identity's answers lack their last log; the other's are whole."""
    fault_proxy["primary"].inject(logs_left_out=1)
    counts = [len(RpcPool([url], anvil.chain_id).call("eth_getLogs", [wanted])) for url in fault_proxy.urls]

    assert counts == [5, 6]
