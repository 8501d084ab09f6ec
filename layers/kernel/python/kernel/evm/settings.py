"""Owns an EVM address as settings name it: in any case, and from then on in its one form with a checksum."""

from typing import Annotated

from pydantic import AfterValidator

from kernel.evm.addresses import AddressInvalid, checksum


def _checksummed(address: str) -> str:
    """The address in its one form, under which the books know it, too."""
    try:
        return checksum(address)
    except AddressInvalid as invalid:
        raise ValueError(str(invalid)) from invalid


EvmAddress = Annotated[str, AfterValidator(_checksummed)]
