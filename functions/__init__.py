"""The deployed bundle: one vertical slice a service."""
