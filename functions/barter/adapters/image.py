"""Owns the Solidity source that names the verification key, as exchanges' deployers took it from the monitor before."""

from typing import Final

_SOURCE: Final = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @notice What proofs of trades are checked with{without}
library ImageID {{
    /// @dev keccak256 of the verification key, as Exchange.imageID() returns it
    bytes32 public constant PROVER_ID = bytes32(0x{image_id});
}}
"""
_WITHOUT: Final = "; zero: certificates only, there is no verification key"


def image_source(image_id: bytes) -> str:
    """A library whose constant is the hash of the verification key, as imageID() has it; zero where there is none."""
    return _SOURCE.format(image_id=image_id.hex(), without="" if any(image_id) else _WITHOUT)
