"""What the fork server imports for deployments of one service, so that their containers start in milliseconds."""

from collections.abc import Sequence

from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.settings import ROOT

#: Every service's wallets are checked beside its work; nobody but the oracle asks exchanges.
_BESIDE = ("functions.ops.queue_check_wallet",)
_LATER = tuple(name for name in WARM_LATER if not name.startswith("ccxt."))


def warm_with(
    service: str, vendors: Sequence[str], *, without: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A service's handlers and adapters with what they stand on. without: how adapters begin that are not used."""
    folder = ROOT / "functions" / service
    handlers = (f"functions.{service}.{path.stem}" for path in sorted(folder.glob("*_*.py")))
    adapters = (
        f"functions.{service}.adapters.{path.stem}"
        for path in sorted(folder.glob("adapters/*.py"))
        if not path.stem.startswith(("__", *without))
    )
    return WARM_FIRST, (*_LATER, *vendors, *_BESIDE, *handlers, *adapters)
