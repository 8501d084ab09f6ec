"""A commit with a model in force: the odd source does not count, and everything that said so is stored."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from functions.oracle.adapters.anomaly_models import AnomalyModels
from functions.oracle.core.anomaly import judge
from functions.oracle.core.anomaly_features import FEATURES, portray
from functions.oracle.core.anomaly_training import term_of
from functions.oracle.core.anomaly_trial import Floors, Trial
from functions.oracle.core.points import Point, Points, microseconds
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event
from tests.unit.oracle.forests import octets, stump

pytestmark = pytest.mark.handlers

LIE = Decimal("1.0005")


@pytest.fixture
def ready(stage: Stage, stocked: Callable[[Provider], None]) -> tuple[Provider, int]:
    """A provider at the moment of its commit: four honest sources, and one that is off but no outlier."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    now = provider.deps.clock.now()
    lies = [
        VenuePrice(base="ETH", quote="USD", price=Decimal("3125.40") * LIE, volume=Decimal(10), time=now, source="liar")
    ]
    provider.deps.repository.store_points(lies, "test")
    return provider, number


def put_in_force(models: AnomalyModels, provider: Provider) -> None:
    """A model for which twice the usual distance is too odd."""
    trial = Trial(honest=100)
    for tally in trial.attacks.values():
        tally.tried = tally.suspected = 20
    with provider.kernel.postgres.transaction() as tx:
        models.store(
            tx,
            business_key="by hand",
            term=term_of(provider.deps.clock.now()),
            arguments={},
            grown={},
            forest=octets(len(FEATURES), {"price": (50, stump(0, 1.3, below=100, above=10))}),
            trial=trial,
            floors=Floors(),
        )


def test_an_odd_source_is_vetoed_and_the_decision_can_be_made_again(ready: tuple[Provider, int]) -> None:
    """From the stored portrait and the stored version come the same suspects, from the raw points the same portrait."""
    provider, number = ready
    models = provider.deps.anomalies.models
    put_in_force(models, provider)

    task = provider.run(handler, "oracle.commit", f"local:{number}")

    row = provider.one("select left_out, sources, decided_at from oracle.aggregates where symbol = 'ETH/USD'")
    stored = {one.symbol: one for one in models.judgements(number)}["ETH/USD"]
    assert (task.state, row["left_out"], len(row["sources"])) == ("done", {"liar": "vetoed"}, 4)
    assert (stored.model_version, stored.vetoed, set(stored.suspects)) == (1, ("liar",), {"liar"})
    assert stored.model_version is not None
    at = row["decided_at"]
    seen = provider.deps.repository.points_between(at - timedelta(seconds=180), at)
    window = Points.of(Point(p.price, p.volume, p.time, p.source) for p in seen if p.base == "ETH")
    again = portray(window, microseconds(at))
    (judged,) = judge([stored.portrait], models.model(stored.model_version))
    assert (again.sources, again.features.tobytes()) == (stored.portrait.sources, stored.portrait.features.tobytes())
    assert dict(judged.suspects) == stored.suspects
    assert judged.vetoes(stored.portrait.sources) == stored.vetoed


def test_without_a_model_the_same_source_counts_and_is_portrayed(ready: tuple[Provider, int]) -> None:
    """Feeds are judged by nobody, and what they looked like is kept for the first model."""
    provider, number = ready

    provider.run(handler, "oracle.commit", f"local:{number}")

    stored = provider.deps.anomalies.models.judgements(number)
    row = provider.one("select left_out, sources from oracle.aggregates where symbol = 'ETH/USD'")
    assert (row["left_out"], "liar" in row["sources"]) == ({}, True)
    assert [("BTC/USD", None, 4), ("ETH/USD", None, 5), ("XRP/USD", None, 4)] == [
        (one.symbol, one.model_version, len(one.portrait.sources)) for one in stored
    ]
