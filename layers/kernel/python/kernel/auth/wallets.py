"""Owns sign-in with a wallet: a text to sign goes out, the signed text comes back, a session is given.

1. `challenge` writes the whole text with a fresh nonce; the wallet shows it to its owner, who signs it.
2. `session` reads the text strictly, checks that it is ours (domain, chain, times), then the signature over exactly
   these bytes, and only then spends the nonce: a stranger who saw a text cannot burn its nonce, and of two copies of a
   signed text one is refused.
3. The session is a token of fifteen minutes with the role that the wallet has at that moment; `renew` gives the next
   one, with the role of *that* moment, for twelve hours after the signature.

A signature proves a key pair, so contract wallets (EIP-1271), which have none, cannot sign in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from kernel import base58, signin, siwe, siws
from kernel.auth.nonces import LIFETIME_S as NONCE_LIFETIME_S
from kernel.auth.nonces import Nonces
from kernel.auth.people import People
from kernel.auth.principal import Role
from kernel.auth.tokens import LIFETIME_S, Tokens
from kernel.clock import Clock
from kernel.errors import Forbidden, SettingsInvalid, Unauthorized
from kernel.signin import Expected, WrongChainId

EVM_SIGNATURE_BYTES: Final = 65
SOLANA_SIGNATURE_BYTES: Final = 64
_SAMPLE_NONCE: Final = "0" * 32


class WalletSignatureRefused(Unauthorized):
    """The signature is not that of the text's address over this text."""

    cause = "Another key signed, the text was altered after it was signed, or the signature has another form."
    remedy = "Let the wallet sign the text exactly as it was given, and send both unchanged."


class PersonBarred(Forbidden):
    """An administrator has barred this wallet."""

    cause = "The wallet's role is nobody."
    remedy = "Ask an administrator."


class Scheme(StrEnum):
    """How a wallet signs in."""

    SIWE = "siwe"
    SIWS = "siws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where people sign in: what the text tells them, and which chains' wallets are taken.

    chains: "evm:<chain id>" and "solana:<cluster>".
    """

    domain: str
    chains: Sequence[str]
    statement: str = "Sign in to Counterpart. This costs nothing and moves nothing."

    @property
    def uri(self) -> str:
        """Whose page asks."""
        return f"https://{self.domain}"

    def chain_ids(self, family: str) -> list[str]:
        """The chain ids of one family."""
        return [chain.partition(":")[2] for chain in self.chains if chain.startswith(f"{family}:")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person's session: `subject` is "evm:<address>" or "solana:<address>"."""

    subject: str
    role: Role
    token: str = field(repr=False)
    expires_in_s: int = LIFETIME_S


class WalletSignIn:
    """Sign-in at one place."""

    def __init__(self, nonces: Nonces, people: People, tokens: Tokens, clock: Clock, place: Place) -> None:
        """Raises SettingsInvalid for a place without a domain."""
        if not place.domain:
            raise SettingsInvalid("Nobody can sign in: set COUNTERPART_SIGN_IN_DOMAIN and COUNTERPART_SIGN_IN_CHAINS.")
        self._nonces, self._people, self._tokens = nonces, people, tokens
        self._clock, self._place = clock, place

    def challenge(self, scheme: Scheme, address: str, chain_id: str) -> str:
        """The text for the wallet to show and sign, good for five minutes. Raises WrongChainId, SignInUnreadable."""
        wallets, now = WALLETS[scheme], self._clock.now().replace(microsecond=0)
        offered = self._place.chain_ids(wallets.family)
        if chain_id not in offered:
            raise WrongChainId(offered=", ".join(offered))
        fields = {
            "domain": self._place.domain,
            "address": address,
            "statement": self._place.statement,
            "uri": self._place.uri,
            "chain_id": chain_id,
            "issued_at": _moment(now),
            "expiration_time": _moment(now + timedelta(seconds=NONCE_LIFETIME_S)),
        }
        wallets.message(**fields, nonce=_SAMPLE_NONCE)  # refuse a wrong address before a nonce is kept for it
        return wallets.render(wallets.message(**fields, nonce=self._nonces.issue(scheme.value)))

    def session(self, scheme: Scheme, text: str, signature: str) -> Session:
        """A session for whoever signed this text of ours.

        Raises SignInUnreadable, the SignInRefused that applies, WalletSignatureRefused, NonceSpent, PersonBarred.
        """
        wallets = WALLETS[scheme]
        message = wallets.parse(text)
        wallets.validate(message, self._expected(message, wallets))
        wallets.verify(text, signature, message.address)
        self._nonces.spend(message.nonce, scheme.value)
        return self._given(f"{wallets.family}:{message.address}", int(self._clock.time_s()))

    def renew(self, token: str) -> Session:
        """The next session of whoever holds this one, for twelve hours after the signature.

        Raises Unauthorized, PersonBarred.
        """
        subject, signed_in_s = self._tokens.renewable(token)
        return self._given(subject, signed_in_s)

    def _expected(self, message: signin.Message, wallets: "Wallets") -> Expected:
        # Whether the nonce is one of ours is for the table to say, at the very end and once for good.
        return Expected(
            domain=self._place.domain,
            chain_ids=self._place.chain_ids(wallets.family),
            nonce=message.nonce,
            now=self._clock.now(),
        )

    def _given(self, subject: str, signed_in_s: int) -> Session:
        standing = self._people.standing(subject)
        if standing.role is Role.NOBODY:
            raise PersonBarred
        token = self._tokens.issue(subject, role=standing.role, tier=standing.tier, signed_in_s=signed_in_s)
        return Session(subject=subject, role=standing.role, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallets:
    """What one family's wallets write, and how their signature over it is checked."""

    family: str
    message: Callable[..., Any]
    render: Callable[[Any], str]
    parse: Callable[[str], Any]
    validate: Callable[[Any, Expected], None]
    verify: Callable[[str, str, str], None]


def verify_evm(text: str, signature: str, address: str) -> None:
    """Raises WalletSignatureRefused unless the address signed this text (EIP-191): 65 bytes r, s, v in hexadecimal."""
    from kernel.evm.transactions import Signature, SignatureMismatch, verify_signature

    octets = _octets(bytes.fromhex, signature.removeprefix("0x"), EVM_SIGNATURE_BYTES)
    v = octets[64] + 27 if octets[64] < 27 else octets[64]  # hardware wallets write the bare recovery id
    given = Signature(v, int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:64], "big"))
    try:
        verify_signature(siwe.digest(text), given, address)
    except SignatureMismatch:
        raise WalletSignatureRefused from None


def verify_solana(text: str, signature: str, address: str) -> None:
    """Raises WalletSignatureRefused unless the address signed this text (Ed25519): 64 bytes in base58."""
    from kernel.keys.solana import SolanaSignatureMismatch, verify_message

    try:
        verify_message(text.encode(), _octets(base58.decode, signature, SOLANA_SIGNATURE_BYTES), address)
    except SolanaSignatureMismatch:
        raise WalletSignatureRefused from None


WALLETS: Final = {
    Scheme.SIWE: Wallets(
        family="evm",
        message=siwe.Message,
        render=siwe.render,
        parse=siwe.parse,
        validate=siwe.validate,
        verify=verify_evm,
    ),
    Scheme.SIWS: Wallets(
        family="solana",
        message=siws.Message,
        render=siws.render,
        parse=siws.parse,
        validate=siws.validate,
        verify=verify_solana,
    ),
}


def _octets(decode: Callable[[str], bytes], text: str, length: int) -> bytes:
    try:
        octets = decode(text)
    except ValueError:
        raise WalletSignatureRefused from None
    if len(octets) != length:
        raise WalletSignatureRefused
    return octets


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
