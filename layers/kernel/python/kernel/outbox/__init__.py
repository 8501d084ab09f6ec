"""Owns chain transactions that must happen once: recorded with the business change, signed, broadcast, made final.

One room a chain family, since their nonces differ: `kernel.outbox.evm` and `kernel.outbox.solana`. What does not hang
on the family stands beside them.
"""
