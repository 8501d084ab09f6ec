"""Contests' world on one machine: a Solana node, players with wallets, tokens whose prices move."""
