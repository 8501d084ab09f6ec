"""Owns the conversation with EVM chains: RPC pools, contract calls, fees, transactions and what refusals mean."""
