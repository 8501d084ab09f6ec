"""Owns keys: envelopes around secrets at rest, and the signers that use them."""
