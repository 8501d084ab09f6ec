"""A process that dies around one of its transactions."""

from typing import Any

from kernel.clock import Clock
from kernel.postgres import Postgres
from tests.chain.cursors.stand import ROLE


class Died(BaseException):
    """The process dies here; no except clause of ours may catch it."""


class DyingPostgres(Postgres):
    """Dies when its n-th transaction is about to commit, or has committed."""

    def __init__(self, url: str, clock: Clock, *, at: int, moment: str) -> None:
        super().__init__(url, clock, role=ROLE)
        self._left, self._moment = at, moment

    def transaction(self, **options: Any) -> Any:
        self._left -= 1
        if self._left:
            return super().transaction(**options)
        return _Doomed(super().transaction(**options), self._moment)


class _Doomed:
    """A transaction at whose end the process dies."""

    def __init__(self, transaction: Any, moment: str) -> None:
        self._transaction, self._moment = transaction, moment

    def __enter__(self) -> Any:
        return self._transaction.__enter__()

    def __exit__(self, *error: Any) -> None:
        if self._moment == "committing":
            self._transaction.__exit__(Died, Died(), None)
            raise Died
        self._transaction.__exit__(*error)
        raise Died
