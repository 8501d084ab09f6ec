"""Liars as a fixture."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.anvil import AnvilNode
from tests.chain.evm.liar import Liar


@pytest.fixture
def start_liar(anvil: AnvilNode) -> Iterator[Callable[..., Liar]]:
    """Start endpoints of the chain of `anvil` that lie as told, `method=lie`."""
    liars: list[Liar] = []

    def start(**lies: object) -> Liar:
        liars.append(Liar(anvil.url, **lies))  # type: ignore[arg-type]  # lies by method
        return liars[-1]

    yield start
    for liar in liars:
        liar.close()
