"""Owns one instruction as a value that can be stored, the way to and from solders, and the transfer of lamports."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kernel.keys.solana import checked_address

if TYPE_CHECKING:
    from solders.instruction import Instruction as SoldersInstruction
    from solders.pubkey import Pubkey

LAMPORTS_MAX: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class AccountUse:
    """An account that an instruction names, and what it may do with it."""

    address: str
    signer: bool = False
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One call of a program. Raises SolanaAddressInvalid for an address that is none."""

    program: str
    accounts: tuple[AccountUse, ...]
    data: bytes

    def __post_init__(self) -> None:
        checked_address(self.program)
        for account in self.accounts:
            checked_address(account.address)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; `data` in base64."""
        return {
            "program": self.program,
            "accounts": [
                {"address": account.address, "signer": account.signer, "writable": account.writable}
                for account in self.accounts
            ],
            "data": base64.b64encode(self.data).decode(),
        }

    @classmethod
    def from_json(cls, instruction: Mapping[str, Any]) -> Self:
        """From `to_json`."""
        return cls(
            program=instruction["program"],
            accounts=tuple(AccountUse(**account) for account in instruction["accounts"]),
            data=base64.b64decode(instruction["data"], validate=True),
        )


def system_transfer(sender: str, receiver: str, lamports: int) -> Instruction:
    """Lamports from one account to another."""
    from solders.system_program import TransferParams, transfer

    if not 0 <= lamports <= LAMPORTS_MAX:
        raise ValueError(f"no transfer of {lamports} lamports")
    return from_solders(transfer(TransferParams(from_pubkey=key(sender), to_pubkey=key(receiver), lamports=lamports)))


def from_solders(instruction: "SoldersInstruction") -> Instruction:
    """An instruction of solders or solana-py as ours."""
    return Instruction(
        program=str(instruction.program_id),
        accounts=tuple(
            AccountUse(str(meta.pubkey), signer=meta.is_signer, writable=meta.is_writable)
            for meta in instruction.accounts
        ),
        data=bytes(instruction.data),
    )


def to_solders(instruction: Instruction) -> "SoldersInstruction":
    """Our instruction as one of solders."""
    from solders.instruction import AccountMeta
    from solders.instruction import Instruction as Built

    accounts = [
        AccountMeta(key(account.address), is_signer=account.signer, is_writable=account.writable)
        for account in instruction.accounts
    ]
    return Built(key(instruction.program), instruction.data, accounts)


def key(address: str) -> "Pubkey":
    """An address as solders has it. Raises SolanaAddressInvalid."""
    from solders.pubkey import Pubkey

    return Pubkey.from_string(checked_address(address))
