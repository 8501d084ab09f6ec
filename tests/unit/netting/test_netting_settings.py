"""Netting's settings."""

import pytest
from pydantic import ValidationError

from functions.netting.wiring import Settings

pytestmark = pytest.mark.unit

COMPLETE = {
    "cluster": "localnet",
    "rpc_urls": "ssm:/netting/rpc-urls",
    "program": "US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx",
    "authority": "11111111111111111111111111111112",
}


def test_a_fee_needs_a_wallet_that_gets_it() -> None:
    """Otherwise no batch could be cleared; the function does not start."""
    with pytest.raises(ValidationError, match="a fee needs a fee wallet"):
        Settings.model_validate(COMPLETE | {"fee_bps": 25})

    assert Settings.model_validate(COMPLETE | {"fee_bps": 25, "fee_wallet": "A"}).fee.bps == 25
    assert Settings.model_validate(COMPLETE).fee.bps == 0
