"""Owns the conversation with Solana: RPC pools, transactions, fees, lookup tables, nonces and what refusals mean."""
