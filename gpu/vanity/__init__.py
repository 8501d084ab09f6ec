"""Vanity addresses: keys whose address has a pattern, found by trying, told to nobody but whoever asked."""
