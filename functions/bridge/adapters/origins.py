"""Makes an origin of its settings; vendors and families are imported where one of theirs is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.origin_settings import OriginSettings, ZkSyncSettings

if TYPE_CHECKING:
    from functions.bridge.wiring import Deps


def origin_of(deps: Deps, settings: OriginSettings, urls: Sequence[str]) -> Origin:
    """The origin as it is configured."""
    if isinstance(settings, ZkSyncSettings):
        return _zksync(deps, settings, urls)
    raise NotImplementedError(f"nothing reads orders of {settings.name}")


def _zksync(deps: Deps, settings: ZkSyncSettings, urls: Sequence[str]) -> Origin:
    from functions.bridge.adapters.evm_origin import EvmOrigin, MessageGas, Terms
    from kernel.evm.rpc import RpcPool

    gas = MessageGas(
        limit=settings.message_gas_limit,
        further=settings.message_gas_further,
        per_pubdata_byte=settings.message_gas_per_pubdata_byte,
    )
    terms = Terms(
        name=settings.name,
        chain_id=settings.chain_id,
        escrow=settings.escrow,
        start_block=settings.start_block,
        account=settings.account,
        table=settings.table,
        block_s=settings.block_s,
        finality_s=settings.finality_s,
        confirmations=settings.confirmations,
        mailbox=settings.mailbox,
        message_gas=gas,
    )
    pool = RpcPool(urls, settings.chain_id, deps.clock, health=deps.kernel.breakers)
    payer = deps.settings.signer
    return EvmOrigin(deps.kernel.postgres, deps.tasks, pool, deps.registry, terms, payer=payer, clock=deps.clock)
