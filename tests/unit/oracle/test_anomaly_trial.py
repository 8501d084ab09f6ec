"""The trial of a model, the attacks in it, and the week that it belongs to."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.oracle.core.anomaly_attacks import Attack, attacked
from functions.oracle.core.anomaly_training import spread, term_of
from functions.oracle.core.anomaly_trial import Floors, Tally, Trial, hold_trial
from functions.oracle.core.points import Point, microseconds
from infra.local import anomaly_trial
from infra.local.oracle_windows import AT, windows
from tests.unit.oracle.forests import model_against

pytestmark = pytest.mark.unit

NOW_US = microseconds(AT)
WINDOWS = [(points, NOW_US) for points in windows(11, 60)]
EVERYBODY = model_against("age", -1)
NOBODY = model_against("age", 1e9)


def test_a_model_that_suspects_everybody_has_recall_and_no_precision() -> None:
    """And vetoes nobody, because where all are suspects there is no norm."""
    trial = hold_trial(EVERYBODY, WINDOWS, seed=1)

    assert trial.recall_ppm == 1_000_000
    assert trial.precision_ppm < 100_000
    assert trial.honest_vetoed == 0
    assert not trial.passes(Floors(attacks=1))


def test_a_model_that_suspects_nobody_has_neither() -> None:
    """Nor is anybody vetoed; a spike leaves enough of a source's points that are no outliers."""
    trial = hold_trial(NOBODY, WINDOWS, seed=1)

    assert (trial.recall_ppm, trial.precision_ppm, trial.false_vetoes_ppm) == (0, 0, 0)
    assert sum(tally.kept_out for tally in trial.attacks.values()) < trial.tried // 4


def test_the_kinds_take_turns_and_the_same_seed_is_the_same_trial() -> None:
    """Twelve of each, less those that changed nothing or met a window of three."""
    one, again, other = (hold_trial(model_against("push", 1.5), WINDOWS, seed=seed) for seed in (1, 1, 2))

    assert one == again
    assert one != other
    assert all(8 <= tally.tried <= 12 for tally in one.attacks.values())


def test_an_attack_that_changes_no_price_is_none() -> None:
    """A freeze of what stands still."""
    still = [
        Point(100 + number, 1, AT.timestamp() - 20 * poll, f"s{number}") for number in range(5) for poll in range(9)
    ]
    trial = hold_trial(EVERYBODY, [(still, NOW_US)] * 5, seed=1)

    assert trial.attacks[Attack.FREEZE].tried == 0
    assert trial.attacks[Attack.SPIKE].tried == 1


def test_three_sources_are_not_attacked() -> None:
    """None of them could be vetoed."""
    three = [
        Point(100 + number, 1, AT.timestamp() - 20 * poll, f"s{number}") for number in range(3) for poll in range(9)
    ]

    assert hold_trial(EVERYBODY, [(three, NOW_US)] * 5, seed=1).tried == 0


def test_figures_are_shares_in_millionths_rounded_down() -> None:
    """Of 40 attackers 29 seen, 11 others suspected: 29 of 40 both; 1 of 300 honest vetoed."""
    trial = Trial(falsely_suspected=11, honest=300, honest_vetoed=1)
    trial.attacks[Attack.SPIKE] = Tally(tried=40, suspected=29, kept_out=30)

    assert (trial.precision_ppm, trial.recall_ppm, trial.false_vetoes_ppm) == (725_000, 725_000, 3_333)
    assert trial.document()["attacks"]["spike"] == [40, 29, 30]
    assert trial.document()["falsely_suspected"] == 11


@pytest.mark.parametrize(
    ("floors", "passes"),
    [
        (Floors(precision_ppm=725_000, recall_ppm=725_000, false_vetoes_ppm=3_333, attacks=40), True),
        (Floors(precision_ppm=725_001, recall_ppm=0, attacks=1), False),
        (Floors(precision_ppm=0, recall_ppm=725_001, attacks=1), False),
        (Floors(precision_ppm=0, recall_ppm=0, false_vetoes_ppm=3_332, attacks=1), False),
        (Floors(precision_ppm=0, recall_ppm=0, attacks=41), False),
    ],
)
def test_every_floor_must_be_reached(floors: Floors, passes: bool) -> None:
    """Exactly reached is reached."""
    trial = Trial(falsely_suspected=11, honest=300, honest_vetoed=1)
    trial.attacks[Attack.SPIKE] = Tally(tried=40, suspected=29, kept_out=30)

    assert passes == trial.passes(floors)


@pytest.mark.parametrize("attack", Attack)
def test_an_attack_touches_its_source_alone_and_only_what_it_says(attack: Attack) -> None:
    """Times stay; of the others everything; and volumes but for a push."""
    for seed, (points, _) in enumerate(WINDOWS[:20]):
        lied = attacked(points, "s02", attack, now_us=NOW_US, seed=seed)
        before, after = ([one for one in given if one.source == "s02"] for given in (sorted_(points), sorted_(lied)))

        assert [one for one in sorted_(points) if one.source != "s02"] == [
            one for one in sorted_(lied) if one.source != "s02"
        ]
        assert [one.time for one in before] == [one.time for one in after]
        assert (attack is Attack.THIN_PUSH) or [one.volume for one in before] == [one.volume for one in after]
        assert attacked(points, "s02", attack, now_us=NOW_US, seed=seed) == lied


def sorted_(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda one: (one.source, one.time))


def prices(points: list[Point]) -> list[float]:
    return [float(one.price) for one in sorted_(points) if one.source == "a"]


def flat(volume: float = 1) -> list[Point]:
    """Source a at 100 and three others near it, u = 1 basis point, nine polls."""
    return [
        Point(price + poll / 1000 * (source != "a"), volume, AT.timestamp() - 160 + 20 * poll, source)
        for source, price in (("a", 100), ("b", 100), ("c", 100.01), ("d", 99.99))
        for poll in range(9)
    ]


def test_a_spike_lasts_to_the_end_and_is_eight_units_at_least() -> None:
    """One to three prices, all by the same."""
    for seed in range(10):
        found = prices(attacked(flat(), "a", Attack.SPIKE, now_us=NOW_US, seed=seed))
        off = [round(abs(price - 100), 9) for price in found]

        assert off[:6] == [0] * 6
        assert len({one for one in off if one}) == 1
        assert 0.08 <= off[-1] <= 0.41


def test_a_drift_goes_one_way_and_a_push_is_thin_for_a_minute() -> None:
    """The drift is even, up to 25 units; a push has a hundredth of the volume at most, everywhere."""
    for seed in range(10):
        off = [abs(price - 100) for price in prices(attacked(flat(), "a", Attack.DRIFT, now_us=NOW_US, seed=seed))]
        lied = attacked(flat(), "a", Attack.THIN_PUSH, now_us=NOW_US, seed=seed)
        pushed = [abs(price - 100) for price in prices(lied)]

        assert sorted(off) == off
        assert 0.059 <= off[-1] <= 0.26
        assert pushed[:5] == [0] * 5
        assert 0.049 <= pushed[-1] <= 0.16
        assert max(float(one.volume or 0) for one in lied if one.source == "a") <= 0.01


def test_a_copy_cat_says_what_one_other_had_said() -> None:
    """Never what nobody had said by then."""
    for seed in range(10):
        found = prices(attacked(flat(), "a", Attack.COPY_CAT, now_us=NOW_US, seed=seed))
        others = {source: [float(one.price) for one in flat() if one.source == source] for source in "bcd"}
        matches = [
            source
            for source, said in others.items()
            if all(price in (said[poll], said[max(0, poll - 1)]) for poll, price in enumerate(found))
        ]

        assert matches


def test_a_week_is_grown_from_six_days_and_tried_on_the_seventh() -> None:
    """Both over on Monday at midnight UTC, whoever asks and when."""
    sunday = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    term = term_of(sunday)
    monday = datetime(2026, 11, 16, tzinfo=UTC)

    assert (term.week, term.week_begins, term.tried_from, term.grown_from) == (
        "2026-W47",
        monday,
        monday - timedelta(days=1),
        monday - timedelta(days=7),
    )
    assert term == term_of(monday) == term_of(monday + timedelta(days=3, hours=7))
    assert term_of(sunday + timedelta(minutes=1)).week == "2026-W48"
    assert term.seed == (monday - datetime(1970, 1, 1, tzinfo=UTC)).days


def test_items_are_spread_evenly_in_order() -> None:
    """All where there are few."""
    assert [0, 3, 6] == spread(range(10), 3)
    assert [0, 1, 2] == spread(range(3), 5)
    assert [] == spread([], 5)


def test_the_command_prints_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Grown from few windows and tried on as few, which is not enough to conclude anything from."""
    failed = anomaly_trial.main(["--grown-from", "90", "--tried-on", "20", "--seed", "3"])
    told = capsys.readouterr().out

    assert failed == 1
    assert all(word in told for word in ("precision", "recall", "copy_cat", "kept out", "may not be put in force"))


def test_a_model_grown_from_markets_sees_most_attacks_on_others() -> None:
    """Precision and recall are those of the floors, at the size that the weekly job has."""
    model = anomaly_trial.grown(1, 400)
    trial = anomaly_trial.tried(model, 1, 250)

    assert trial.passes(Floors()), trial
