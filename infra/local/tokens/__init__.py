"""Jupiter and DexScreener on the loopback: one seeded market of tokens behind both of their formats."""
