"""Owns JSON-RPC over HTTP: one endpoint, and a pool of them that are not believed blindly."""
