"""Let operators see what outside signers are asked to sign, and let administrators hand in or take back a request."""

import base64
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.errors import Invalid
from kernel.handler.http import Document, api, lambda_handler, wired
from kernel.keys.external import payloads_of
from kernel.keys.requests import SignatureRequest

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Number = Annotated[str, Field(pattern=r"^(0x)?[0-9a-fA-F]{1,64}$")]


class SignatureFormsMixed(Invalid):
    """A signature comes in one form."""

    code = "signature_forms_mixed"
    status = 422
    cause = "Neither form is there, both are, or one of the parts is missing."
    remedy = "Give either signature, or r, s and y_parity."


class OpenRequest(Document):
    """A payload that waits for the holder of `address`; `summary` says in words and numbers what it does.

    An EVM wallet signs `payload_hex`, the unsigned transaction (its Keccak-256 is `digest_hex`); a Solana wallet signs
    the bytes of `payload_base64`, a versioned message.
    """

    id: UUID
    chain: str
    address: str
    business_key: str | None
    summary: dict[str, Any]
    payload_hex: str
    payload_base64: str
    digest_hex: str
    requested_at: datetime


class OpenRequests(Document):
    """A page, oldest first; `next_cursor` continues it."""

    requests: list[OpenRequest]
    next_cursor: UUID | None


class GivenSignature(Document):
    """`signature` as a wallet gives it (EVM: r, s and v, 65 bytes in hexadecimal; Solana: base58 or base64).

    Or, for EVM only, its parts: r, s and y_parity.
    """

    signature: Annotated[str, Field(min_length=64, max_length=140)] | None = None
    r: Number | None = None
    s: Number | None = None
    y_parity: Annotated[int, Field(ge=0, le=1)] | None = None

    def text(self) -> str:
        """Both forms as one. Raises SignatureFormsMixed unless exactly one is given, and whole."""
        parts = [part is not None for part in (self.r, self.s, self.y_parity)]
        if (self.signature is None) != all(parts) or any(parts) != all(parts):
            raise SignatureFormsMixed
        if self.signature is not None:
            return self.signature
        r, s = ((part or "").removeprefix("0x").rjust(64, "0") for part in (self.r, self.s))
        return f"0x{r}{s}{self.y_parity:02x}"


class ResolvedRequest(Document):
    """What became of a request."""

    id: UUID
    state: str
    resolved_at: datetime | None
    resolved_by: str | None


@app.get("/v1/ops/signatures")
def open_requests(
    deps: Wired, _: Operator, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: UUID | None = None
) -> OpenRequests:
    """Payloads that wait for a signature from outside."""
    page = deps.signatures.waiting(limit=limit, after=cursor)
    return OpenRequests(
        requests=[_view(request) for request in page], next_cursor=page[-1].id if len(page) == limit else None
    )


@app.post("/v1/ops/signatures/{id}")
def sign(id: UUID, given: GivenSignature, deps: Wired, admin: Admin) -> ResolvedRequest:
    """Hand in the signature of a request; the same one again changes nothing."""
    return ResolvedRequest.model_validate(deps.signatures.sign(id, given.text(), payloads_of, actor=admin.identity))


@app.post("/v1/ops/signatures/{id}/withdraw")
def withdraw(id: UUID, deps: Wired, admin: Admin) -> ResolvedRequest:
    """Take an open request back: whoever needs it asks again, at the fees of then."""
    return ResolvedRequest.model_validate(deps.signatures.withdraw(id, actor=admin.identity))


def _view(request: SignatureRequest) -> OpenRequest:
    return OpenRequest(
        id=request.id,
        chain=request.chain,
        address=request.address,
        business_key=request.business_key,
        summary=dict(request.summary),
        payload_hex="0x" + request.payload.hex(),
        payload_base64=base64.b64encode(request.payload).decode("ascii"),
        digest_hex="0x" + request.digest.hex(),
        requested_at=request.requested_at,
    )


handler = lambda_handler(app)
