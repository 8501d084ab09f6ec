"""What the bridge touches: its orders, the chains it reads, the registry it pays through."""
