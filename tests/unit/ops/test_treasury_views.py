"""The API's words about transfers are all of the treasury's."""

from typing import get_args

import pytest

from functions.ops.adapters.treasury_views import TransferView
from kernel.treasury.movements import Kind, State

pytestmark = pytest.mark.unit


def test_every_transfer_can_be_shown() -> None:
    """Whoever asked for it, and however it ended: a word that is missing would answer 500."""
    fields = TransferView.model_fields

    assert {str(kind) for kind in Kind} == set(get_args(fields["kind"].annotation))
    assert {str(state) for state in State} == set(get_args(fields["state"].annotation))
