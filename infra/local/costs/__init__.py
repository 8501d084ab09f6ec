"""Owns what the bundle costs: what its functions take, published prices, stated loads, and the sum of them."""
