"""What the bridge takes upon itself, as operators tune it while it runs. In gwei: a threshold has 18 digits at most."""

from typing import Final

from functions.bridge.core.policy import Limits
from kernel.evm.fees import GWEI
from kernel.tunables import Tunable, Tunables

_ETHER_GWEI: Final = 10**9
_GWEI_MAX: Final = 10**17

ORDER_MAX: Final = Tunable(
    name="bridge.order_max_gwei",
    default=1 * _ETHER_GWEI,
    minimum=0,
    maximum=_GWEI_MAX,
    unit="gwei",
    meaning="An order for more is dropped; 0 drops all.",
)
RECIPIENT_MAX: Final = Tunable(
    name="bridge.recipient_max_gwei",
    default=2 * _ETHER_GWEI,
    minimum=0,
    maximum=_GWEI_MAX,
    unit="gwei",
    meaning="What may be paid to one recipient and not be repaid yet.",
)
ORIGIN_MAX: Final = Tunable(
    name="bridge.origin_max_gwei",
    default=20 * _ETHER_GWEI,
    minimum=0,
    maximum=_GWEI_MAX,
    unit="gwei",
    meaning="What may be paid for one origin and not be repaid yet.",
)
BALANCE_FLOOR: Final = Tunable(
    name="bridge.balance_floor_gwei",
    default=_ETHER_GWEI // 10,
    minimum=0,
    maximum=_GWEI_MAX,
    unit="gwei",
    meaning="What the signer never promises away: it pays for claims.",
)
TRANSFER_GAS_MAX: Final = Tunable(
    name="bridge.transfer_gas_max",
    default=150_000,
    minimum=60_000,
    maximum=5_000_000,
    unit="gas",
    meaning="A recipient who uses more of it is not paid.",
)
MARGIN: Final = Tunable(
    name="bridge.margin_bps",
    default=1_000,
    minimum=0,
    maximum=100_000,
    unit="bps",
    meaning="How much more than its cost an order's fee must pay.",
)
PATIENCE: Final = Tunable(
    name="bridge.patience_s",
    default=6 * 3_600,
    minimum=0,
    maximum=30 * 86_400,
    unit="s",
    meaning="How long an order whose fee is too low waits for cheaper gas.",
)
RETRY: Final = Tunable(
    name="bridge.retry_s",
    default=30,
    minimum=1,
    maximum=3_600,
    unit="s",
    meaning="After what time an order that something else holds up is decided again, at first.",
)
TUNABLES: Final = (ORDER_MAX, RECIPIENT_MAX, ORIGIN_MAX, BALANCE_FLOOR, TRANSFER_GAS_MAX, MARGIN, PATIENCE, RETRY)


def limits_of(tunables: Tunables) -> Limits:
    """The limits in force."""
    return Limits(
        order_max_wei=tunables.get(ORDER_MAX) * GWEI,
        recipient_max_wei=tunables.get(RECIPIENT_MAX) * GWEI,
        origin_max_wei=tunables.get(ORIGIN_MAX) * GWEI,
        balance_floor_wei=tunables.get(BALANCE_FLOOR) * GWEI,
        transfer_gas_max=tunables.get(TRANSFER_GAS_MAX),
        margin_bps=tunables.get(MARGIN),
        patience_s=tunables.get(PATIENCE),
        retry_s=tunables.get(RETRY),
    )
