"""The plan of a round's phases."""

from datetime import timedelta
from itertools import pairwise

import pytest

from functions.oracle.core.epochs import FLARE, LOCAL
from functions.oracle.core.phases import LOCAL_OFFSETS, MAINNET_OFFSETS, Offsets, OffsetsUnfit, plan_phases

pytestmark = pytest.mark.unit

ROUND = FLARE.voting_epoch(812_576)


def test_the_phases_of_a_round_on_mainnet() -> None:
    """Each runs at its offset and expires when it is pointless, to the second."""
    phases = plan_phases([ROUND], MAINNET_OFFSETS)
    times = {
        phase.kind: ((phase.run_at - ROUND.start).total_seconds(), (phase.expires_at - ROUND.start).total_seconds())
        for phase in phases
    }

    assert {
        "oracle.commit": (75, 90),
        "oracle.reveal": (90 + 20, 90 + 45),
        "oracle.sign": (90 + 48, 180),
        "oracle.finalise": (90 + 65, 270),
    } == times


def test_the_phases_of_a_round_on_a_local_chain() -> None:
    """8 s an epoch, 4 s to reveal."""
    voting_round = LOCAL.voting_epoch(5)
    phases = plan_phases([voting_round], LOCAL_OFFSETS)

    assert [
        ("oracle.commit", 4, 8),
        ("oracle.reveal", 9, 12),
        ("oracle.sign", 13, 16),
        ("oracle.finalise", 14, 24),
    ] == [
        (
            phase.kind,
            (phase.run_at - voting_round.start).total_seconds(),
            (phase.expires_at - voting_round.start).total_seconds(),
        )
        for phase in phases
    ]


def test_times_are_aware_and_in_utc() -> None:
    """A naive time would be somebody's local one."""
    assert all(
        timedelta(0) == moment.utcoffset()
        for phase in plan_phases([ROUND], MAINNET_OFFSETS)
        for moment in (phase.run_at, phase.expires_at)
    )


def test_phases_of_several_rounds_come_in_the_order_in_which_they_run() -> None:
    """The reveal of a round comes before the commit of the next."""
    phases = plan_phases([ROUND.next, ROUND], MAINNET_OFFSETS)

    assert 8 == len(phases)
    assert all(phase.run_at <= following.run_at for phase, following in pairwise(phases))
    assert ["oracle.commit", "oracle.reveal", "oracle.sign", "oracle.finalise", "oracle.commit"] == [
        phase.kind for phase in phases[:5]
    ]


def test_a_phase_is_unique_by_kind_and_key() -> None:
    """Network and round name it, so that planning again adds nothing."""
    phases = plan_phases([ROUND, ROUND.next], MAINNET_OFFSETS)

    assert 8 == len({(phase.kind, phase.business_key) for phase in phases})
    assert {"flare:812576", "flare:812577"} == {phase.business_key for phase in phases}
    assert {"voting_round": 812_576} == phases[0].payload


def test_no_rounds_have_no_phases() -> None:
    """An empty minute plans nothing."""
    assert [] == plan_phases([], MAINNET_OFFSETS)


def test_messages_are_repeated_within_the_window() -> None:
    """After thirds of the window, in whole seconds; once only where a third is less than a slow worker needs."""
    phases = plan_phases([ROUND], MAINNET_OFFSETS)

    assert [(10,), (8, 16), (14, 28), (38, 76)] == [phase.resend_s for phase in phases]
    assert all(max(phase.resend_s) < (phase.expires_at - phase.run_at).total_seconds() for phase in phases)


def test_a_window_too_short_for_repeats_has_none_at_zero() -> None:
    """3 s: after 2 s; 1 s: none."""
    voting_round = LOCAL.voting_epoch(5)
    tight = Offsets(commit_s=7, reveal_s=1, sign_s=5, finalise_s=6)

    assert [(), (2,)] == [phase.resend_s for phase in plan_phases([voting_round], tight)[:2]]


@pytest.mark.parametrize(
    "offsets",
    [
        Offsets(commit_s=90),
        Offsets(commit_s=-1),
        Offsets(reveal_s=45),
        Offsets(sign_s=44),
        Offsets(sign_s=90),
        Offsets(finalise_s=44),
        Offsets(finalise_s=180),
    ],
)
def test_offsets_outside_their_windows_are_refused(offsets: Offsets) -> None:
    """At start-up and not in the middle of a round."""
    with pytest.raises(OffsetsUnfit):
        plan_phases([ROUND], offsets)


def test_offsets_at_the_edge_of_their_windows_are_accepted() -> None:
    """The first moment is inside, the last one is not."""
    edges = Offsets(commit_s=0, reveal_s=0, sign_s=45, finalise_s=45)

    assert 4 == len(plan_phases([ROUND], edges))
