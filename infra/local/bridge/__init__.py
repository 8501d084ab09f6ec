"""A bridge's world on the loopback: two chains, its contracts, who carries messages between them, and its users."""
