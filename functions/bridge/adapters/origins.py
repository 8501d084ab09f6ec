"""Makes an origin of its settings; vendors and families are imported where one of theirs is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.origin_settings import AnyOrigin, StarknetSettings, ZkSyncSettings

if TYPE_CHECKING:
    from functions.bridge.wiring import Deps
    from kernel.treasury.desks import Desk


def origin_of(deps: Deps, settings: AnyOrigin, urls: Sequence[str]) -> Origin:
    """The origin as it is configured."""
    if isinstance(settings, ZkSyncSettings):
        return _zksync(deps, settings, urls)
    return _starknet(deps, settings, urls)


def l1_desk(deps: Deps) -> Desk:
    """The treasury's desk at Ethereum, whose transactions are our own outbox's."""
    from kernel.evm.transactions import TRANSFER_GAS
    from kernel.treasury.evm import EvmDesk

    return EvmDesk(lambda _: deps.outbox, deps.l1, deps.settings.outbox_policy, transfer_gas=TRANSFER_GAS)


def desk_of(deps: Deps, chain: str) -> Desk:
    """The treasury's desk at an EVM origin's chain: it records transfers, which the ops slice signs and sends.

    Raises ChainUnknown for a chain of no origin, or of one that the treasury does not serve.
    """
    from functions.bridge.wiring import KEY_PURPOSE
    from kernel.evm.fees import FeePolicy
    from kernel.evm.rpc import RpcPool
    from kernel.outbox.evm import EvmOutbox, OutboxPolicy
    from kernel.treasury.evm import EvmDesk
    from kernel.treasury.wallets import ChainUnknown

    zksync = [one for one in deps.settings.origins if isinstance(one, ZkSyncSettings)]
    settings = next((one for one in zksync if f"evm:{one.chain_id}" == chain), None)
    if settings is None:
        raise ChainUnknown(chain=chain)
    kernel, pool = deps.kernel, RpcPool(deps.urls(settings.rpc_urls), settings.chain_id, deps.clock)
    policy = OutboxPolicy(fees=FeePolicy(fee_cap_wei=settings.fee_cap_wei, tip_cap_wei=settings.fee_cap_wei))

    def outbox(address: str) -> EvmOutbox:
        signers = {address: kernel.vault.evm_signer(address, purpose=KEY_PURPOSE, chain=chain)}
        return EvmOutbox(kernel.postgres, deps.tasks, pool, signers, deps.clock, policy=policy, switch=deps.switch)

    return EvmDesk(outbox, pool, policy, transfer_gas=settings.transfer_gas)


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
        refund_account=settings.refund_account,
        message_gas=gas,
    )
    pool = RpcPool(urls, settings.chain_id, deps.clock, health=deps.kernel.breakers)
    payer = deps.settings.signer
    return EvmOrigin(deps.kernel.postgres, deps.tasks, pool, deps.registry, terms, payer=payer, clock=deps.clock)


def _starknet(deps: Deps, settings: StarknetSettings, urls: Sequence[str]) -> Origin:
    from functions.bridge.adapters.starknet_origin import StarknetOrigin, StarknetTerms
    from functions.bridge.adapters.starknet_rpc import StarknetPool

    terms = StarknetTerms(
        name=settings.name,
        escrow=settings.escrow,
        start_block=settings.start_block,
        account=settings.account,
        table=settings.table,
        block_s=settings.block_s,
        finality_s=settings.finality_s,
        message_fee_max_wei=settings.message_fee_max_wei,
    )
    pool = StarknetPool(urls, settings.chain_id, deps.clock, health=deps.kernel.breakers)
    payer = deps.settings.signer
    return StarknetOrigin(deps.kernel.postgres, deps.tasks, pool, deps.registry, terms, payer=payer, clock=deps.clock)
