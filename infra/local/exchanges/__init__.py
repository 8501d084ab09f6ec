"""Eleven crypto venues on the loopback: one seeded market behind the REST formats that real venue clients speak."""
