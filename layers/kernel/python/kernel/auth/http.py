"""Owns admission over HTTP, as FastAPI dependencies.

    Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]        # a credential of this role or above
    Service = Annotated[Principal, Depends(require(tiers=INTERNAL_ONLY))]   # a key of one of these tiers
    Anyone = Annotated[Principal, Depends(anyone)]                          # a credential, or 100 a minute by address
    Paced = Annotated[Principal, Depends(paced(100))]                       # no credential, so many a second by address

Every route declares one. GET and HEAD are reads, all others are writes, which needs Redis to be counted. They are
coroutines that wait for nobody else: a container serves one request at a time, and a hop to a thread costs more.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BeforeValidator

from kernel.auth.authenticator import Authenticator
from kernel.auth.principal import Principal, Role, Tier
from kernel.errors import Forbidden
from kernel.handler.http import wired
from kernel.ratelimit import Window

#: A role as documents write it.
RoleName = Annotated[str, BeforeValidator(lambda role: role.label if isinstance(role, Role) else role)]
INTERNAL_ONLY = frozenset({Tier.INTERNAL, Tier.ADMIN})
_api_key = APIKeyHeader(name="X-Api-Key", scheme_name="ApiKey", auto_error=False)
_bearer = HTTPBearer(scheme_name="Session", auto_error=False)
_READS = frozenset({"GET", "HEAD"})


def require(role: Role = Role.VIEWER, *, tiers: frozenset[Tier] | None = None) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the principal, if it has at least this role and (where given) one of these tiers.

    Raises Unauthorized, Forbidden, RateLimited, RateLimitUnavailable, DatabaseUnavailable.
    """

    async def admitted(
        request: Request,
        api_key: Annotated[str | None, Security(_api_key)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        deps: Annotated[Any, Depends(wired)],
    ) -> Principal:
        authenticator: Authenticator = deps.authenticator
        principal = authenticator.principal(api_key=api_key, bearer=bearer.credentials if bearer else None)
        if principal.role < role:
            raise Forbidden(role=role.label)
        if tiers is not None and principal.tier not in tiers:
            raise Forbidden(tiers=", ".join(sorted(tiers)))
        authenticator.admit(principal, writes=request.method not in _READS)
        return principal

    return admitted


async def anyone(request: Request, deps: Annotated[Any, Depends(wired)]) -> Principal:
    """A dependency: the principal of the credential if one came (a wrong one is refused), else the visitor.

    Raises Unauthorized, RateLimited, RateLimitUnavailable, DatabaseUnavailable.
    """
    authenticator: Authenticator = deps.authenticator
    api_key, bearer = request.headers.get("x-api-key"), _bearer_of(request)
    if api_key or bearer:
        principal = authenticator.principal(api_key=api_key, bearer=bearer)
    else:
        principal = authenticator.visitor(_address_of(request))
    authenticator.admit(principal, writes=request.method not in _READS)
    return principal


def paced(limit: int, window: Window = Window.SECOND) -> Callable[..., Awaitable[Principal]]:
    """A dependency for paths whose bodies prove themselves: the visitor, counted by address and window as a write.

    Raises RateLimited, RateLimitUnavailable.
    """

    async def admitted(request: Request, deps: Annotated[Any, Depends(wired)]) -> Principal:
        authenticator: Authenticator = deps.authenticator
        return authenticator.admit_address(_address_of(request), limit, window)

    return admitted


def _address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _bearer_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
