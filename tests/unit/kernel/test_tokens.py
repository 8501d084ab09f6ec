"""Session tokens: fifteen minutes, one algorithm, ours alone, and secrets that rotate."""

import base64
import json
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from kernel.auth import Authenticator, Principal, Role, Tier, Tokens
from kernel.auth.tokens import AUDIENCE, ISSUER, LIFETIME_S
from kernel.errors import RateLimited, RateLimitUnavailable, SettingsInvalid, Unauthorized
from kernel.testing import FakeClock, InMemoryLimiter

pytestmark = pytest.mark.unit

SECRET, OTHER = "s" * 32, "o" * 32


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> Tokens:
    return Tokens(SecretStr(SECRET), clock=clock)


def claims(clock: FakeClock, **changes: Any) -> dict[str, Any]:
    now_s = int(clock.time_s())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "0xabc",
        "iat": now_s,
        "exp": now_s + LIFETIME_S,
        "jti": "j",
        "auth_time": now_s,
        "role": "admin",
        "tier": "public",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def kid(tokens: Tokens) -> str:
    header: dict[str, str] = jwt.get_unverified_header(tokens.issue("x", role=Role.VIEWER))
    return header["kid"]


def forged(tokens: Tokens, payload: dict[str, Any], *, secret: str = SECRET, **header: Any) -> str:
    return jwt.encode(payload, secret, algorithm="HS256", headers={"kid": kid(tokens)} | header)


def test_an_issued_token_names_its_person(tokens: Tokens) -> None:
    """Subject, role and tier."""
    token = tokens.issue("0xabc", role=Role.OPERATOR, tier=Tier.PAID)

    assert tokens.principal(token) == Principal(identity="person:0xabc", tier=Tier.PAID, role=Role.OPERATOR)


def test_a_token_lives_fifteen_minutes(tokens: Tokens, clock: FakeClock) -> None:
    """To the second."""
    token = tokens.issue("0xabc", role=Role.VIEWER)
    clock.advance(LIFETIME_S - 1)
    tokens.principal(token)
    clock.advance(1)
    with pytest.raises(Unauthorized):
        tokens.principal(token)

    assert LIFETIME_S == 900


def test_a_well_formed_token_of_ours_is_accepted(tokens: Tokens, clock: FakeClock) -> None:
    """The forger's tools work, so the refusals below mean something."""
    assert tokens.principal(forged(tokens, claims(clock))).role is Role.ADMIN


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "another-api"},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"role": "emperor"},
        {"role": None},
        {"tier": "gold"},
        {"exp": 4_102_444_800, "iat": 1_000_000_000},  # a long life, claimed
        {"iat": 4_102_444_800, "exp": 4_102_445_700},  # from the future
        {"exp": "soon"},
        {"jti": None},
        {"auth_time": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(tokens: Tokens, clock: FakeClock, changes: dict[str, Any]) -> None:
    """Even under the right secret."""
    with pytest.raises(Unauthorized):
        tokens.principal(forged(tokens, claims(clock, **changes)))


def test_a_token_under_another_secret_is_refused(tokens: Tokens, clock: FakeClock) -> None:
    """Also when it claims our key's name."""
    with pytest.raises(Unauthorized):
        tokens.principal(forged(tokens, claims(clock), secret=OTHER))


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_another_algorithm_is_refused(tokens: Tokens, clock: FakeClock, algorithm: str) -> None:
    """The header's word on the algorithm is never followed."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    if algorithm == "HS512":
        token = jwt.encode(claims(clock), SECRET * 2, algorithm="HS512", headers={"kid": kid(tokens)})
    else:
        token = f"{part({'alg': algorithm, 'kid': kid(tokens)})}.{part(claims(clock))}."
    with pytest.raises(Unauthorized):
        tokens.principal(token)


@pytest.mark.parametrize("header", [{"kid": "unknown"}, {"kid": None}, {"kid": 7}], ids=str)
def test_an_unknown_key_name_is_refused(tokens: Tokens, clock: FakeClock, header: dict[str, Any]) -> None:
    """A token under no secret of ours."""
    try:
        token = forged(tokens, claims(clock), **header)
    except jwt.InvalidTokenError:
        token = forged(tokens, claims(clock)).split(".", 1)[1]
    with pytest.raises(Unauthorized):
        tokens.principal(token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 5_000, "ü.é.ñ", "e30.e30."])
def test_nonsense_is_refused(tokens: Tokens, token: str) -> None:
    """Whatever comes, the answer is Unauthorized."""
    with pytest.raises(Unauthorized):
        tokens.principal(token)


def test_an_altered_token_is_refused(tokens: Tokens) -> None:
    """Any character of the payload or signature."""
    token = tokens.issue("0xabc", role=Role.VIEWER)
    header, payload, signature = token.split(".")
    for altered in (
        f"{header}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BB'}.{signature}",
        f"{token[:-4]}AAAA",
    ):
        with pytest.raises(Unauthorized):
            tokens.principal(altered)


def test_a_secret_rotates_while_its_tokens_live(clock: FakeClock) -> None:
    """The old secret's tokens stay good, new ones come under the new; without the old secret they are refused."""
    old = Tokens(SecretStr(SECRET), clock=clock)
    rotated = Tokens(SecretStr(OTHER), SecretStr(SECRET), clock)
    later = Tokens(SecretStr(OTHER), clock=clock)
    token = old.issue("0xabc", role=Role.VIEWER)

    assert rotated.principal(token).identity == "person:0xabc"
    assert kid(rotated) == kid(later) != kid(old)
    with pytest.raises(Unauthorized):
        later.principal(token)


def test_a_short_secret_is_refused_at_start() -> None:
    """HS256 needs 32 bytes; the refusal does not show it."""
    with pytest.raises(SettingsInvalid) as refused:
        Tokens(SecretStr("canary"))

    assert "canary" not in str(refused.value)


class NoKeys:
    """API keys of nobody."""

    def principal(self, key: str) -> Principal:
        raise Unauthorized


def test_a_visitor_has_a_hundred_requests_a_minute(tokens: Tokens, clock: FakeClock) -> None:
    """By address."""
    limiter = InMemoryLimiter(clock)
    authenticator = Authenticator(NoKeys(), tokens, limiter)  # type: ignore[arg-type]  # what it uses of keys
    visitor = authenticator.visitor("203.0.113.7")
    for _ in range(100):
        authenticator.admit(visitor, writes=False)
    with pytest.raises(RateLimited):
        authenticator.admit(visitor, writes=False)

    authenticator.admit(authenticator.visitor("203.0.113.8"), writes=False)


def test_an_administrator_is_never_counted(tokens: Tokens) -> None:
    """Also not when Redis is down: operators must be able to act then."""
    limiter = InMemoryLimiter()
    limiter.down = True
    authenticator = Authenticator(NoKeys(), tokens, limiter)  # type: ignore[arg-type]  # what it uses of keys
    authenticator.admit(Principal(identity="key:a", tier=Tier.ADMIN, role=Role.ADMIN), writes=True)
    with pytest.raises(RateLimitUnavailable):
        authenticator.admit(Principal(identity="key:b", tier=Tier.PAID, role=Role.ADMIN), writes=True)


def test_no_credential_is_nobody(tokens: Tokens) -> None:
    """Neither key nor token."""
    authenticator = Authenticator(NoKeys(), tokens, InMemoryLimiter())  # type: ignore[arg-type]  # what it uses of keys
    with pytest.raises(Unauthorized):
        authenticator.principal(api_key=None, bearer=None)
    with pytest.raises(Unauthorized):
        authenticator.principal(api_key="", bearer="")


def test_roles_are_ordered_and_named() -> None:
    """A higher role may do all that a lower one may."""
    assert Role.VIEWER < Role.OPERATOR < Role.ADMIN
    assert [Role.of(role.label) for role in Role] == list(Role)
    with pytest.raises(ValueError, match="no role"):
        Role.of("ADMIN")


def test_limits_of_the_tiers() -> None:
    """Requests a minute, as published."""
    limits = {tier.value: tier.limit_per_minute for tier in Tier}

    assert limits == {"anonymous": 100, "public": 1_000, "internal": 5_000, "paid": 10_000, "admin": None}
