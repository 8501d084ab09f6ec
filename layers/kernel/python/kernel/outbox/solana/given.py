"""Owns the message that was made elsewhere: a wallet has signed it, ours may have to sign it too, nobody may change it.

Such an obligation is to pass on *these bytes*. They are never compiled here and never signed over another blockhash:
whoever signed them agreed to them and to nothing else. So it has one payload at most, and one life, the blockhash's.

A cluster takes a message once, and calls it by its payer's signature. A payer who signs the same message in two ways
can have it land under the name that we were not given; then the entry ends cancelled and the effect is there. So where
a stranger pays, an end is believed of the entry, and what it would have changed is read from the chain.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kernel.keys.solana import verify_message
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM
from kernel.solana.instructions import Instruction
from kernel.solana.messages import read_message, required_signers

#: As the system program writes "advance the nonce".
_ADVANCE_NONCE: Final = (4).to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class GivenMessage:
    """A message, the signatures that came with it, and when it can land: at no slot before, and no height above."""

    message: bytes
    signatures: Mapping[str, bytes]  # by address
    last_height: int
    slot: int  # where its blockhash was read

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self | None:
        """From a row of kernel.solana_outbox; None for an obligation of our own making."""
        if row["given_message"] is None:
            return None
        signatures = {address: base64.b64decode(one) for address, one in row["given_signatures"].items()}
        return cls(bytes(row["given_message"]), signatures, row["given_last_height"], row["given_slot"])

    def columns(self) -> dict[str, Any]:
        """As JSON knows it; octets in base64."""
        return {
            "given_message": base64.b64encode(self.message).decode(),
            "given_signatures": {address: base64.b64encode(one).decode() for address, one in self.signatures.items()},
            "given_last_height": self.last_height,
            "given_slot": self.slot,
        }

    @property
    def required(self) -> tuple[str, ...]:
        """Who must sign it, the payer first. Raises SolanaMessageUnreadable."""
        return required_signers(self.message)

    @property
    def missing(self) -> tuple[str, ...]:
        """Whose signatures did not come with it: ours to give, and while they are not given it cannot land."""
        return tuple(address for address in self.required if address not in self.signatures)

    def instructions(self) -> tuple[Instruction, ...]:
        """What it does, but for its compute budget. Raises SolanaMessageUnreadable, also for one with lookup tables."""
        every = read_message(self.message).instructions
        return tuple(one for one in every if one.program != COMPUTE_BUDGET_PROGRAM)

    @property
    def lives_by_nonce(self) -> bool:
        """Whether it is over a durable nonce, and so does not grow old."""
        first = read_message(self.message).instructions[:1]
        return any(one.program == SYSTEM_PROGRAM and one.data.startswith(_ADVANCE_NONCE) for one in first)

    def verify(self) -> None:
        """Raises SolanaSignatureMismatch for a signature that is not its address's over these very bytes."""
        for address, signature in self.signatures.items():
            verify_message(self.message, signature, address)
