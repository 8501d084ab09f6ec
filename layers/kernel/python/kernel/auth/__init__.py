"""Owns who may do what: API keys, sessions, tiers, roles; `kernel.auth.http` offers them to FastAPI routes."""

from kernel.auth.api_keys import ApiKeys, IssuedKey, KeyRecord
from kernel.auth.authenticator import Authenticator
from kernel.auth.principal import Principal, Role, Tier
from kernel.auth.tokens import Tokens

__all__ = [
    "ApiKeys",
    "Authenticator",
    "IssuedKey",
    "KeyRecord",
    "Principal",
    "Role",
    "Tier",
    "Tokens",
]
