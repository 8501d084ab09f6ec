"""How patient breakers are: the numbers of the house, whose they are, and their tunables."""

import pytest

from kernel.breaker import TUNABLES, BreakerPolicy, Policies

pytestmark = pytest.mark.unit


def test_the_numbers_of_the_house() -> None:
    """Defaults, market data, contests, and providers that have others beside them."""
    policies = Policies()

    assert policies.of("modal") == BreakerPolicy(threshold=5, window_s=300, reset_s=60, healthy_s=120, check_s=30)
    assert policies.of("market_data:kraken") == BreakerPolicy(threshold=3, reset_s=30)
    assert policies.of("contest_evaluation") == BreakerPolicy(threshold=10, reset_s=120)
    assert policies.of("rpc:evm:1:node.example") == BreakerPolicy(threshold=3, reset_s=300)
    assert policies.of("pinning:pinata") == policies.of("gateway:one") == policies.of("api:two")


def test_a_fixed_policy_stands_before_all_others() -> None:
    """By name or pattern."""
    impatient = BreakerPolicy(threshold=1)
    policies = Policies(fixed={"rpc:solana:*": impatient})

    assert policies.of("rpc:solana:localnet:node") == impatient
    assert policies.of("rpc:evm:1:node") != impatient


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0}, {"window_s": 0}, {"reset_s": 0}, {"healthy_s": -1}, {"check_s": 0}]
)
def test_numbers_that_make_no_breaker_are_refused(wrong: dict[str, int]) -> None:
    """At once, where they are written."""
    with pytest.raises(ValueError, match="breaker"):
        BreakerPolicy(**wrong)


def test_every_number_of_every_policy_can_be_tuned() -> None:
    """Names tell the policy and the number; the defaults are those in code."""
    defaults = {tunable.name: tunable.default for tunable in TUNABLES}

    assert len(defaults) == 20
    assert defaults["breaker.provider_reset_s"] == 300
    assert defaults["breaker.default_threshold"] == 5
