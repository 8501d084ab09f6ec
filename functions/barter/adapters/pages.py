"""Owns the cursors of pages of exchanges: when the last one of a page was watched, and its address."""

from datetime import datetime

from functions.barter.adapters.stored import StoredWatch
from kernel.errors import Invalid
from kernel.moments import from_unix_us, unix_us


class PageUnfit(Invalid):
    """This cursor does not come from a page of exchanges."""

    cause = "A cursor was changed on its way, or belongs to another list."
    remedy = "Begin without a cursor, and give next_cursor back as it came."


def cursor_of(watch: StoredWatch) -> str:
    """Where a page that ends with this exchange is continued."""
    return f"{unix_us(watch.watched_at)}.{watch.address}"


def place_of(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor names. Raises PageUnfit."""
    moment, address = cursor.split(".")
    try:
        return from_unix_us(int(moment)), address
    except OverflowError as unfit:
        raise PageUnfit from unfit
