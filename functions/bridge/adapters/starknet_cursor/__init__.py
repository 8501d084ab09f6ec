"""Owns the way of a watch along Starknet: each event of an escrow becomes one task, each reorganisation takes back."""

from functions.bridge.adapters.starknet_cursor.cursor import StarknetCursor
from functions.bridge.adapters.starknet_cursor.store import StarknetWatch

__all__ = ["StarknetCursor", "StarknetWatch"]
