"""Owns durable nonces: an account's stored value in the place of a blockhash, so that signed bytes live until used."""

from dataclasses import dataclass

from kernel.solana.instructions import Instruction, from_solders, key


@dataclass(frozen=True, slots=True)
class DurableNonce:
    """A nonce account, whose stored value takes the place of a blockhash, and who may advance it."""

    account: str
    authority: str
    blockhash: str


def advance_nonce(nonce: DurableNonce) -> Instruction:
    """Turn a nonce account's value into the next; the first instruction of each transaction that lives by it."""
    from solders.system_program import AdvanceNonceAccountParams, advance_nonce_account

    return from_solders(
        advance_nonce_account(
            AdvanceNonceAccountParams(nonce_pubkey=key(nonce.account), authorized_pubkey=key(nonce.authority))
        )
    )
