"""Trivial handlers, one per trigger type."""
