"""Netting's world on one machine: the program on a Solana node, wallets with funds, items and session keys."""
