"""A market maker that fills L2 escrow orders on Ethereum, and claims repayment."""
