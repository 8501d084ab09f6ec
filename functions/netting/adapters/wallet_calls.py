"""What wallets ask of the program, as instructions: they pay and sign, and the authority co-signs where it has to.

Accounts are in the order of infra/contracts/netting (money.h, items.h, sessions.h); a test sends each to the program.
"""

from typing import Final

from functions.netting.adapters.program_accounts import Addresses
from functions.netting.core import settlement as borsh
from functions.netting.core.session_terms import Terms
from kernel import base58
from kernel.keys.solana import checked_address
from kernel.solana.addresses import SYSTEM_PROGRAM, TOKEN_PROGRAM, associated_token_address
from kernel.solana.tokens import create_token_account
from kernel.solana.transactions import AccountUse, Instruction

INSTRUCTIONS_SYSVAR: Final = "Sysvar1nstructions1111111111111111111111111"
ED25519_PROGRAM: Final = "Ed25519SigVerify111111111111111111111111111"
#: The Ed25519 program's table of one entry: where key, signature and text begin, all in this very instruction.
_KEY_AT, _SIGNATURE_AT, _TEXT_AT, _HERE = 16, 48, 112, 0xFFFF


class WalletCalls(Addresses):
    """The instructions of one program's wallets."""

    def __init__(self, program: str, authority: str) -> None:
        super().__init__(program)
        self._authority = authority

    @property
    def vault(self) -> str:
        """Who holds the items' tokens."""
        return self._derived(b"vault")

    def session_key(self, owner: str, key: str) -> str:
        """What an owner lets a key do."""
        return self._derived(b"session_key", *(base58.decode(checked_address(one)) for one in (owner, key)))

    def deposit(self, wallet: str, lamports: int, *, opens: bool) -> tuple[Instruction, ...]:
        """Lock funds; the wallet's first deposit opens its ledger, at its own expense."""
        ledger = _written(self.ledger(wallet))
        accounts = (ledger, _payer(wallet), AccountUse(SYSTEM_PROGRAM))
        opening = Instruction(self.program, accounts, borsh.open_ledger_data(wallet))
        locking = Instruction(self.program, accounts, borsh.deposit_data(lamports))
        return (opening, locking) if opens else (locking,)

    def withdraw(self, wallet: str, lamports: int) -> tuple[Instruction, ...]:
        """Take funds back with the authority's word."""
        accounts = (_written(self.ledger(wallet)), _payer(wallet), AccountUse(self.config), self._co_signer)
        return (Instruction(self.program, accounts, borsh.withdraw_data(lamports)),)

    def deposit_item(self, wallet: str, mint: str, number: int) -> tuple[Instruction, ...]:
        """Give an item's token into escrow under the authority's number; the wallet pays for the escrow's account."""
        accounts = (
            _written(self.item(number)),
            _payer(wallet),
            AccountUse(self.config),
            self._co_signer,
            _written(associated_token_address(wallet, mint)),
            _written(associated_token_address(self.vault, mint)),
            AccountUse(self.vault),
            AccountUse(TOKEN_PROGRAM),
            AccountUse(SYSTEM_PROGRAM),
        )
        escrow = create_token_account(wallet, self.vault, mint=mint)
        return escrow, Instruction(self.program, accounts, borsh.deposit_item_data(number))

    def withdraw_item(self, wallet: str, mint: str, number: int) -> tuple[Instruction, ...]:
        """Take an item's token back with the authority's word, into the wallet's own token account."""
        accounts = (
            _written(self.item(number)),
            _payer(wallet),
            AccountUse(self.config),
            self._co_signer,
            _written(associated_token_address(self.vault, mint)),
            _written(associated_token_address(wallet, mint)),
            AccountUse(self.vault),
            AccountUse(TOKEN_PROGRAM),
        )
        own = create_token_account(wallet, wallet, mint=mint)
        return own, Instruction(self.program, accounts, borsh.WITHDRAW_ITEM)

    def register_session_key(
        self, terms: Terms, expires_at_s: int, text: bytes, signature: bytes
    ) -> tuple[Instruction, ...]:
        """Let a key trade: the Ed25519 program checks the owner's text, and the program reads it right after."""
        accounts = (
            _written(self.session_key(terms.owner, terms.key)),
            _payer(terms.owner),
            AccountUse(terms.key),
            AccountUse(INSTRUCTIONS_SYSVAR),
            AccountUse(SYSTEM_PROGRAM),
        )
        registering = borsh.register_session_key_data(terms.max_volume_lamports, expires_at_s)
        check = _ed25519_check(terms.owner, text, signature)
        return check, Instruction(self.program, accounts, registering)

    def revoke_session_key(self, owner: str, key: str) -> tuple[Instruction, ...]:
        """End a session key for good."""
        accounts = (_written(self.session_key(owner, key)), _payer(owner))
        return (Instruction(self.program, accounts, borsh.REVOKE_SESSION_KEY),)

    @property
    def _co_signer(self) -> AccountUse:
        return AccountUse(self._authority, signer=True)


def _ed25519_check(owner: str, text: bytes, signature: bytes) -> Instruction:
    offsets = (_SIGNATURE_AT, _HERE, _KEY_AT, _HERE, _TEXT_AT, len(text), _HERE)
    head = bytes((1, 0)) + b"".join(one.to_bytes(2, "little") for one in offsets)
    return Instruction(ED25519_PROGRAM, (), head + base58.decode(owner) + signature + text)


def _written(address: str) -> AccountUse:
    return AccountUse(address, writable=True)


def _payer(wallet: str) -> AccountUse:
    return AccountUse(wallet, signer=True, writable=True)
