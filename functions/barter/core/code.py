"""Owns how a deployed contract is known to be one of ours: by its code, whatever was set when it was deployed.

Whoever deploys a contract sets its immutables, which stand in the code as operands of PUSH32. Without these operands
two deployments are the same bytes. Constants of 32 bytes are left out with them, which makes other events and other
hashes, and no other way through the code.

What is not ours is followed and proven, but nothing is sent to it: code of a stranger may cost whatever it likes. What
is ours by its code may still have begun with anybody's storage, so who asked for the watch counts, too.
"""

from typing import Final

from kernel.hashes import keccak256

#: Of Exchange and Groth16Verifier as infra/contracts has them; a test on a chain compares.
EXCHANGE: Final = "c9a703fd81c11d85426e0af8f91f92448427eb2133ec1b4bfe343d793ab641df"
VERIFIER: Final = "8204ab7309fed130fc39dbddb229d19daf032eb299d4c35387add63426a61da9"

_PUSH1, _PUSH32 = 0x60, 0x7F


def skeleton(code: bytes) -> bytes:
    """The code without the operands of PUSH32."""
    kept, place = bytearray(code), 0
    while place < len(code):
        operation = code[place]
        size = operation - _PUSH1 + 1 if _PUSH1 <= operation <= _PUSH32 else 0
        if operation == _PUSH32:
            kept[place + 1 : place + 1 + size] = bytes(len(code[place + 1 : place + 1 + size]))
        place += 1 + size
    return bytes(kept)


def fingerprint(code: bytes) -> str:
    """By which code is known."""
    return keccak256(skeleton(code)).hex()
