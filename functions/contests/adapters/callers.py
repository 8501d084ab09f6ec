"""Whose wallet a caller is: people sign in with theirs."""

from typing import Final

from kernel.auth.principal import Principal
from kernel.errors import Forbidden

_PERSON: Final = "person:solana:"


class WalletNeeded(Forbidden):
    """This needs a wallet of Solana."""

    cause = "The caller has an API key, or signed in with a wallet of another chain."
    remedy = "Sign in with the wallet that plays, and send the session's token."


def wallet_of(caller: Principal) -> str:
    """The address, in base58, that the caller has signed in with. Raises WalletNeeded."""
    if not caller.identity.startswith(_PERSON):
        raise WalletNeeded
    return caller.identity.removeprefix(_PERSON)
