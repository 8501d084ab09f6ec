"""Owns `make package`: dependency layers by need and one zip a slice, for each target, the same bytes every time."""
