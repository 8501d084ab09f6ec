"""Owns the secret store of tests: a dictionary of references."""

from collections.abc import Mapping

from pydantic import SecretStr

from kernel.errors import SecretAbsent


class InMemorySecrets:
    """A kernel.secrets.Secrets over a mapping; `plain:` references resolve to themselves."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._secrets = dict(secrets or {})

    def resolve(self, ref: str) -> SecretStr:
        if ref.startswith("plain:"):
            return SecretStr(ref.removeprefix("plain:"))
        if ref not in self._secrets:
            raise SecretAbsent(name=ref.partition(":")[2])
        return SecretStr(self._secrets[ref])

    def put(self, ref: str, secret: str) -> None:
        """Create or rotate a secret."""
        self._secrets[ref] = secret
