"""A wallet of somebody else's at the desk: it makes and signs transfers of its own, which are to be passed on."""

import os
from typing import Any

from infra.local.solana import LAMPORTS_PER_SOL
from kernel.keys.solana import LocalSolanaSigner
from kernel.outbox.solana import GivenMessage, SolanaIntent
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.transactions import (
    AccountUse,
    Instruction,
    SignedSolanaTransaction,
    compile_message,
    system_transfer,
    with_signatures,
)
from tests.chain.outbox_solana.desk import AMOUNT_LAMPORTS, Desk, recipient


class Wallet:
    """Makes and signs transfers of its own, which the desk is to pass on."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.signer = desk, LocalSolanaSigner(os.urandom(32))
        self.address = self.signer.address
        desk.node.fund(self.address, LAMPORTS_PER_SOL)

    def offer(self, key: str, *, co_signed: bool, lamports: int = AMOUNT_LAMPORTS) -> GivenMessage:
        """A transfer to the key's recipient; co-signed, the desk's own key has to sign it, too."""
        transfer = system_transfer(self.address, recipient(key), lamports)
        witness = AccountUse(self.desk.payer, signer=True)
        called = Instruction(SYSTEM_PROGRAM, (*transfer.accounts, witness), transfer.data) if co_signed else transfer
        blockhash = self.desk.pool().latest_blockhash()
        message = compile_message(self.address, [called], blockhash=blockhash.value)
        signatures = {self.address: self.signer.sign_message(message)}
        return GivenMessage(message, signatures, blockhash.last_valid_block_height, blockhash.slot)

    def intent(self, key: str, given: GivenMessage, **changes: Any) -> SolanaIntent:
        fields: dict[str, Any] = {"business_key": key, "service": "netting", "cluster": "localnet"}
        return SolanaIntent.passing_on(given, **{**fields, **changes})

    def pass_on(self, key: str, *, co_signed: bool) -> GivenMessage:
        given = self.offer(key, co_signed=co_signed)
        self.record(self.intent(key, given))
        return given

    def record(self, intent: SolanaIntent) -> None:
        with self.desk.postgres.transaction() as tx:
            self.desk.outbox().record(tx, intent)

    def send_alone(self, given: GivenMessage) -> SignedSolanaTransaction:
        """Past the desk, which never hears of it."""
        signed = with_signatures(given.message, given.signatures)
        self.desk.pool().broadcast(signed.raw)
        return signed
