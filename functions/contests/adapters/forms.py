"""How callers write addresses and signatures of Solana: base58, without blanks."""

from typing import Annotated, Final

from pydantic import Field

#: One address, also within something longer.
ONE_ADDRESS: Final = "[1-9A-HJ-NP-Za-km-z]{32,44}"
ADDRESS: Final = f"^{ONE_ADDRESS}$"
Address = Annotated[str, Field(pattern=ADDRESS)]
SignatureText = Annotated[str, Field(pattern="^[1-9A-HJ-NP-Za-km-z]{64,88}$")]
