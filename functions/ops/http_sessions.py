"""Let people sign in with their wallet: a text to sign goes out, a session comes back for the signed text."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import RoleName, anyone, require
from kernel.auth.principal import Principal, Role
from kernel.auth.wallets import Scheme
from kernel.handler.http import Document, api, lambda_handler, wired
from kernel.signin import LONGEST_TEXT

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
SignedIn = Annotated[Principal, Depends(require(Role.VIEWER))]


class Wallet(Document):
    """Who wants to sign in: scheme "siwe" with a chain id, or "siws" with a cluster, both as text."""

    scheme: Scheme
    address: str = Field(min_length=32, max_length=44)
    chain_id: str = Field(min_length=1, max_length=20)


class Challenge(Document):
    """The text for the wallet to show and sign; good once, for five minutes."""

    text: str


class SignedText(Document):
    """The text as it was given, and the wallet's signature: hexadecimal r, s, v (siwe), or base58 (siws)."""

    scheme: Scheme
    text: str = Field(max_length=LONGEST_TEXT)
    signature: str = Field(max_length=200)


class Opened(Document):
    """A session: send the token as `Authorization: Bearer`. Renew it before it ends."""

    subject: str
    role: RoleName
    token: str
    expires_in_s: int


@app.post("/v1/ops/sessions/challenge")
def challenge(wallet: Wallet, deps: Wired, _: Anyone) -> Challenge:
    """A text of ours for this wallet."""
    return Challenge(text=deps.kernel.sign_in.challenge(wallet.scheme, wallet.address, wallet.chain_id))


@app.post("/v1/ops/sessions")
def open_session(signed: SignedText, deps: Wired, _: Anyone) -> Opened:
    """A session of fifteen minutes for whoever signed a text of ours, with the role the wallet has now."""
    return Opened.model_validate(deps.kernel.sign_in.session(signed.scheme, signed.text, signed.signature))


@app.post("/v1/ops/sessions/renewal")
def renew_session(request: Request, deps: Wired, _: SignedIn) -> Opened:
    """The next session of whoever holds this one, for twelve hours after the signature."""
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    return Opened.model_validate(deps.kernel.sign_in.renew(token))


handler = lambda_handler(app)
