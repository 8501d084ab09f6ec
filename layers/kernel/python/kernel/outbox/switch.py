"""Owns what the outboxes ask of the kill switch: whether a service may begin anything new.

What is signed already goes on to its end whatever the switch says: a nonce left unused would stop everybody else.
"""

from typing import Final, Protocol

from kernel.postgres import Postgres, Statements, Transaction

# A halted service's obligations are looked at again this often.
HALTED_RETRY_S: Final = 30.0


class Switch(Protocol):
    """kernel.treasury.switch.KillSwitch, as far as an outbox knows it."""

    def require_running(self, tx: Transaction, service: str) -> None:
        """Raises a Transient error while the service is halted."""
        ...

    def standing(self, tx: Statements, service: str) -> object | None:
        """The halt in force, or None."""
        ...


def is_halted(switch: Switch | None, postgres: Postgres, service: str) -> bool:
    """Whether the service may sign nothing new at present."""
    if switch is None:
        return False
    return switch.standing(postgres.glance, service) is not None
