"""Owns admission: from a request's credential to a principal, and from a principal to room in its minute."""

from kernel.auth.api_keys import ApiKeys
from kernel.auth.principal import Principal, Role, Tier
from kernel.auth.tokens import Tokens
from kernel.errors import Unauthorized
from kernel.ratelimit import Limiter, Window, require_room


class Authenticator:
    """Knows callers by API key or by session token."""

    def __init__(self, api_keys: ApiKeys, tokens: Tokens, limiter: Limiter) -> None:
        self._api_keys = api_keys
        self._tokens = tokens
        self._limiter = limiter

    def principal(self, *, api_key: str | None, bearer: str | None) -> Principal:
        """Who presents this credential; a key goes before a token. Raises Unauthorized, DatabaseUnavailable."""
        if api_key:
            return self._api_keys.principal(api_key)
        if bearer:
            return self._tokens.principal(bearer)
        raise Unauthorized

    def visitor(self, source_ip: str) -> Principal:
        """Somebody without a credential, known by address."""
        return Principal(identity=f"address:{source_ip}", tier=Tier.ANONYMOUS, role=Role.NOBODY)

    def admit(self, principal: Principal, *, writes: bool) -> None:
        """Count the request. Raises RateLimited; with Redis down, RateLimitUnavailable for writes only."""
        limit = principal.tier.limit_per_minute
        if limit is not None:
            require_room(self._limiter, principal.identity, limit, writes=writes)

    def admit_address(self, source_ip: str, limit: int, window: Window = Window.SECOND) -> Principal:
        """Count a request that writes by its address alone. Raises RateLimited, RateLimitUnavailable."""
        visitor = self.visitor(source_ip)
        require_room(self._limiter, visitor.identity, limit, window, writes=True)
        return visitor
