"""Owns what a node's refusal means while an entry is looked at: never that the entry is at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from kernel.errors import Transient
from kernel.jsonrpc.endpoint import RpcRefused


class ChainUnreadable(Transient):
    """The node refused to tell what became of a transaction."""

    cause = "A node answered a plain question about blocks, receipts, counts, statuses or accounts with an error."
    remedy = "The entry is looked at again; read the node's words in the log if this lasts."


@contextmanager
def reading() -> Iterator[None]:
    """A refusal while looking never parks the task: what is signed has to be watched. Raises ChainUnreadable."""
    try:
        yield
    except RpcRefused as refused:
        raise ChainUnreadable(words=refused.words) from refused
