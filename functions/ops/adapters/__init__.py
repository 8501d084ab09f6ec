"""Owns what the ops slice speaks to besides the kernel."""
