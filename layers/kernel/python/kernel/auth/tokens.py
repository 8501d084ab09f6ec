"""Owns sessions: JWTs of fifteen minutes, HS256 and nothing else, under a secret that can be rotated while they live.

A token's header names its secret by `kid`, a fingerprint of the secret. Rotation: put the new secret in place and the
old one into COUNTERPART_JWT_SECRET_PREVIOUS; fifteen minutes later the old one can go.
"""

import uuid
from typing import Any

from pydantic import SecretStr

from kernel.auth.principal import Principal, Role, Tier
from kernel.clock import Clock, SystemClock
from kernel.errors import SettingsInvalid, Unauthorized
from kernel.hashes import sha256

LIFETIME_S = 15 * 60
#: A session is renewed at most so long after the wallet's signature.
RENEWABLE_S = 12 * 60 * 60
ISSUER = "counterpart"
AUDIENCE = "counterpart-api"
ALGORITHM = "HS256"
_SHORTEST_SECRET_BYTES = 32
_LONGEST_TOKEN = 2_048
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "role", "tier", "auth_time"]


class Tokens:
    """Issues and reads session tokens."""

    def __init__(self, secret: SecretStr, previous: SecretStr | None = None, clock: Clock | None = None) -> None:
        """Raises SettingsInvalid for a secret shorter than 32 bytes, which HS256 needs at least."""
        self._clock = clock or SystemClock()
        keys = [given.get_secret_value().encode() for given in (secret, previous) if given is not None]
        if any(len(key) < _SHORTEST_SECRET_BYTES for key in keys):
            raise SettingsInvalid(f"The JWT secret must have at least {_SHORTEST_SECRET_BYTES} bytes.")
        self._keys = {_fingerprint(key): key for key in keys}
        self._present = _fingerprint(keys[0])

    def issue(self, subject: str, *, role: Role, tier: Tier = Tier.PUBLIC, signed_in_s: int | None = None) -> str:
        """A token for a person, good for fifteen minutes; `signed_in_s` is when the wallet signed, now by default."""
        import jwt

        now_s = int(self._clock.time_s())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
            "auth_time": now_s if signed_in_s is None else signed_in_s,
            "jti": uuid.uuid4().hex,
            "role": role.label,
            "tier": tier.value,
        }
        return jwt.encode(claims, self._keys[self._present], algorithm=ALGORITHM, headers={"kid": self._present})

    def principal(self, token: str) -> Principal:
        """Whose token it is. Raises Unauthorized for a malformed, altered, expired or foreign one, not saying which."""
        claims = self._claims(token)
        try:
            return Principal(
                identity=f"person:{claims['sub']}", tier=Tier(claims["tier"]), role=Role.of(str(claims["role"]))
            )
        except ValueError:
            raise Unauthorized from None

    def session(self, token: str) -> tuple[Principal, int]:
        """Whose token it is, and the second at which it ends. Raises Unauthorized."""
        claims = self._claims(token)
        return self.principal(token), min(int(claims["exp"]), int(claims["iat"]) + LIFETIME_S)

    def renewable(self, token: str) -> tuple[str, int]:
        """The subject, and when it signed in, of a token that is good and may be followed by another.

        Raises Unauthorized, also once the signature is too long ago.
        """
        claims = self._claims(token)
        signed_in_s = int(claims["auth_time"])
        if self._clock.time_s() >= signed_in_s + RENEWABLE_S:
            raise Unauthorized
        return str(claims["sub"]), signed_in_s

    def _claims(self, token: str) -> dict[str, Any]:
        import jwt

        if len(token) > _LONGEST_TOKEN:
            raise Unauthorized
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", "")]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                # Times are checked below, against our own clock.
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            self._check_times(claims)
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
            raise Unauthorized from None
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        now_s = self._clock.time_s()
        issued_s, expires_s = int(claims["iat"]), int(claims["exp"])
        # A token of ours never lives longer, whatever it claims.
        if not issued_s - 60 <= now_s < min(expires_s, issued_s + LIFETIME_S):
            raise Unauthorized


def _fingerprint(key: bytes) -> str:
    return sha256(b"kid" + key).hex()[:16]
