"""Owns what an outside signer is shown of a Solana message, and how the answer is checked.

A person needs longer than the minute for which a blockhash is good, so only messages that live by a durable nonce are
asked for: as long as the nonce account holds this value, the message stays good, and at most one message with this
value can ever land.
"""

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kernel import base58
from kernel.errors import Broken
from kernel.hashes import sha256
from kernel.keys.requests import Answer, Asked, SignatureRefused, SignatureRequest
from kernel.keys.solana import SIGNATURE_SIZE_BYTES, SolanaSignatureMismatch, verify_message

if TYPE_CHECKING:
    from solders.instruction import CompiledInstruction
    from solders.message import MessageV0

SYSTEM_PROGRAM: Final = "11111111111111111111111111111111"
COMPUTE_BUDGET_PROGRAM: Final = "ComputeBudget111111111111111111111111111111"
_ADVANCE_NONCE: Final = (4).to_bytes(4, "little")
_TRANSFER: Final = (2).to_bytes(4, "little")
_SET_LIMIT, _SET_PRICE = 2, 3
_SIGNATURE_LAMPORTS: Final = 5_000
_DEFAULT_UNITS: Final = 200_000
_MICRO: Final = 1_000_000


class NonceNotDurable(Broken):
    """An outside signer was asked for a message that dies within a minute."""

    cause = "The message lives by a blockhash; nobody signs by hand in that time."
    remedy = "Give the obligation a durable nonce account (SolanaIntent.durable_nonce)."


def asked(message: bytes, address: str, cluster: str) -> Asked:
    """The request for a message; its slot is the present value of its nonce account. Raises NonceNotDurable."""
    read = _read(message)
    account = _nonce_account(read)
    if account is None:
        raise NonceNotDurable(address=address)
    return Asked(
        chain=f"solana:{cluster}",
        address=address,
        slot=f"nonce:{account}:{read.recent_blockhash}",
        payload=message,
        digest=sha256(message),
        summary=_summary(read, account, cluster),
    )


class SolanaPayloads:
    """Solana messages as outside signers answer them."""

    #: Nothing lands but by the other signers' and our own doing, so another wish may be asked for beside this one.
    binds_slot = False

    def answer(self, request: SignatureRequest, signature: str) -> Answer:
        """64 bytes in base58 or base64. Raises SignatureRefused."""
        plain = _plain(signature)
        if len(plain) != SIGNATURE_SIZE_BYTES:
            raise SignatureRefused("A signature is 64 bytes in base58 or base64.", id=str(request.id))
        try:
            verify_message(request.payload, plain, request.address)
        except SolanaSignatureMismatch:
            raise SignatureRefused(id=str(request.id), address=request.address) from None
        return Answer(signature=plain, signed_hash=None)

    def same_wish(self, one: bytes, other: bytes) -> bool:
        """The same message, whatever it may cost."""
        return _wish(_read(one)) == _wish(_read(other))


class _Step(NamedTuple):
    program: str
    data: bytes
    accounts: bytes


def _read(message: bytes) -> "MessageV0":
    from solders.message import MessageV0, from_bytes_versioned

    read = from_bytes_versioned(message)
    if not isinstance(read, MessageV0):
        raise NonceNotDurable("An outside signer is asked for messages of version 0 only.")
    return read


def _steps(read: "MessageV0") -> list[_Step]:
    """The instructions; programs are never behind a lookup table."""
    return [_Step(str(read.account_keys[one.program_id_index]), one.data, one.accounts) for one in read.instructions]


def _nonce_account(read: "MessageV0") -> str | None:
    """The nonce account that the first instruction advances, if it does."""
    first: CompiledInstruction | None = read.instructions[0] if read.instructions else None
    if first is None or not first.accounts:
        return None
    program = str(read.account_keys[first.program_id_index])
    if program != SYSTEM_PROGRAM or first.data != _ADVANCE_NONCE:
        return None
    return str(read.account_keys[first.accounts[0]])


def _wish(read: "MessageV0") -> tuple[object, ...]:
    steps = [step for step in _steps(read) if step.program != COMPUTE_BUDGET_PROGRAM]
    header = (read.header.num_required_signatures, read.header.num_readonly_signed_accounts)
    tables = [
        (str(table.account_key), table.writable_indexes, table.readonly_indexes) for table in read.address_table_lookups
    ]
    return [str(key) for key in read.account_keys], header, str(read.recent_blockhash), steps, tables


def _summary(read: "MessageV0", account: str, cluster: str) -> dict[str, Any]:
    """The message in words and numbers, for a person to compare with what the wallet shows. Amounts in lamports."""
    steps = [step for step in _steps(read) if step.program != COMPUTE_BUDGET_PROGRAM][1:]
    payer, fee = str(read.account_keys[0]), _fee_max_lamports(read)
    transfers = [_transfer(read, step) for step in steps if _is_transfer(read, step)]
    does = " and ".join(f"{one['lamports']} lamports from {one['from']} to {one['to']}" for one in transfers)
    return {
        "sentence": f"On Solana {cluster}: {len(steps)} instructions{f', moving {does}' if does else ''}; "
        f"{payer} pays at most {fee} lamports of fees.",
        "cluster": cluster,
        "payer": payer,
        "nonce_account": account,
        "transfers": transfers,
        "instructions": [
            {"program": step.program, "selector": "0x" + step.data[:8].hex(), "accounts": len(step.accounts)}
            for step in steps
        ],
        "fee_max_lamports": str(fee),
    }


def _is_transfer(read: "MessageV0", step: _Step) -> bool:
    known = len(read.account_keys)
    plain = len(step.accounts) == 2 and all(index < known for index in step.accounts)
    return plain and step.program == SYSTEM_PROGRAM and step.data[:4] == _TRANSFER and len(step.data) == 12


def _transfer(read: "MessageV0", step: _Step) -> dict[str, str]:
    source, target = (str(read.account_keys[index]) for index in step.accounts)
    return {"from": source, "to": target, "lamports": str(int.from_bytes(step.data[4:12], "little"))}


def _fee_max_lamports(read: "MessageV0") -> int:
    """A fixed price a signature, and the price of the units asked for, rounded up as the chain does."""
    budget = {
        step.data[0]: int.from_bytes(step.data[1:], "little")
        for step in _steps(read)
        if step.program == COMPUTE_BUDGET_PROGRAM and step.data
    }
    units = budget.get(_SET_LIMIT, _DEFAULT_UNITS * len(read.instructions))
    return _SIGNATURE_LAMPORTS * read.header.num_required_signatures - (-units * budget.get(_SET_PRICE, 0) // _MICRO)


def _plain(signature: str) -> bytes:
    try:
        if signature.endswith("="):
            return base64.b64decode(signature, validate=True)
        return base58.decode(signature)
    except (ValueError, binascii.Error):
        return b""
