"""Owns reading what a wallet hands back: the message that it was offered, with its own signature and no other.

    raw = number of signatures ‖ signatures, 64 bytes each, in the order of the message's signers ‖ message

The message is compared byte for byte with what was offered, so nothing of it is understood here, and nothing can hide
in a second reading of it. Places of signers who have not signed yet hold zeros: that is where ours goes, and whatever
else stands there was put there by somebody who hopes that we send it on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SIGNATURE_SIZE_BYTES: Final = 64
#: The wallet, and the authority where it signs, too.
SIGNERS_MAX: Final = 2
NOT_SIGNED: Final = bytes(SIGNATURE_SIZE_BYTES)


class HandedBackUnfit(ValueError):
    """What came back is no transaction over an offered message, or is signed by others than its wallet."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """Signatures in the order of the signers, and the message that they are over."""

    signatures: tuple[bytes, ...]
    message: bytes

    def signature_of(self, wallet: str, signers: Sequence[str]) -> bytes:
        """The wallet's signature, which is to be the only one. Raises HandedBackUnfit."""
        if len(self.signatures) != len(signers) or wallet not in signers:
            raise HandedBackUnfit("it has another number of signatures than signers")
        given = dict(zip(signers, self.signatures, strict=True))
        if any(signature != NOT_SIGNED for signer, signature in given.items() if signer != wallet):
            raise HandedBackUnfit("somebody else than the wallet has signed it")
        if given[wallet] == NOT_SIGNED:
            raise HandedBackUnfit("the wallet has not signed it")
        return given[wallet]


def taken_apart(raw: bytes) -> HandedBack:
    """The parts of a transaction's bytes. Raises HandedBackUnfit."""
    count = raw[0] if raw else 0
    message = raw[1 + SIGNATURE_SIZE_BYTES * count :]
    if not 1 <= count <= SIGNERS_MAX or not message:
        raise HandedBackUnfit(f"it has no message behind one to {SIGNERS_MAX} signatures")
    starts = range(1, 1 + SIGNATURE_SIZE_BYTES * count, SIGNATURE_SIZE_BYTES)
    return HandedBack(tuple(raw[start : start + SIGNATURE_SIZE_BYTES] for start in starts), message)
