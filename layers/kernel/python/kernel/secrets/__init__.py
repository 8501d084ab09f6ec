"""Owns secrets by reference: a setting says where a secret is, and only this room fetches it."""

from kernel.secrets.store import CACHE_S, AwsSecrets, Secrets

__all__ = ["CACHE_S", "AwsSecrets", "Secrets"]
