"""Whoever pays into the treasury from outside, on either chain, with a key that the bundle never sees."""

import json
from dataclasses import dataclass
from typing import Any, Final

from functions.ops.core.deposits import key_of
from infra.local import settings
from infra.local.anvil import AnvilNode
from infra.local.demo.stage import wait_for
from infra.local.solana import SolanaNode
from kernel.chain_events import EvmEvent, SolanaEvent
from kernel.evm.blocks import Log
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import compile_message, system_transfer, with_signatures

ARTIFACT: Final = settings.ROOT / "infra/contracts/artifacts/treasury/DepositBox.json"
MINED_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class EvmPayer:
    """The node's own first account."""

    node: AnvilNode

    def deploy_box(self, wallet: str) -> str:
        """A deposit box of a wallet; its address."""
        bytecode = json.loads(ARTIFACT.read_text(encoding="utf-8"))["bytecode"]
        receipt = self._mined({"data": bytecode + wallet.removeprefix("0x").rjust(64, "0"), "gas": hex(1_000_000)})
        return str(receipt["contractAddress"])

    def pay(self, recipient: str, wei: int) -> str:
        """A payment, mined; the identity of what is logged of it."""
        receipt = self._mined({"to": recipient, "value": hex(wei), "gas": hex(100_000)})
        log = Log.from_rpc(receipt["logs"][0])
        return EvmEvent(chain_id=self.node.chain_id, **{name: getattr(log, name) for name in Log.__slots__}).identity

    def _mined(self, transaction: dict[str, str]) -> dict[str, Any]:
        sent = self.node.rpc("eth_sendTransaction", {"from": self.node.rpc("eth_accounts")[0], **transaction})
        found: dict[str, Any] = wait_for(
            lambda: self.node.rpc("eth_getTransactionReceipt", sent), "a block", within_s=MINED_WITHIN_S
        )
        return found


@dataclass(frozen=True, slots=True)
class SolanaPayer:
    """The owner of the genesis."""

    node: SolanaNode

    def pay(self, recipient: str, lamports: int) -> str:
        """A payment, sent; the name of the deposit that it is."""
        payer, pool = LocalSolanaSigner(self.node.payer_secret[:32]), SolanaPool((self.node.url,), "localnet")
        message = compile_message(
            payer.address,
            [system_transfer(payer.address, recipient, lamports)],
            blockhash=pool.latest_blockhash().value,
            compute_unit_limit=450,
        )
        signed = with_signatures(message, {payer.address: payer.sign_message(message)})
        pool.broadcast(signed.raw)
        pool.close()
        event = SolanaEvent(
            cluster=pool.cluster, slot=0, signature=signed.signature, instruction_path="", program="", data=b""
        )
        return key_of(event, recipient)
