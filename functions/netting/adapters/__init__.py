"""What netting touches: its tables, the chain it settles on, the wallets that trade."""
