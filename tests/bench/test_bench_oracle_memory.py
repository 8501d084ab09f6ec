"""What the oracle's handlers take of memory at work: whole voting rounds of every feed, collected from every venue.

Containers import everything by themselves, as on Lambda. Nothing is timed: the figure holds on a busy machine too.
"""

import re
import sys
import time
from collections import defaultdict

import pytest

from infra.local.cloud import LocalCloud
from infra.local.flare.reading import events
from infra.local.flare.timing import Timing
from infra.local.invoke import WARM
from infra.local.oracle_market import open_market
from infra.local.runner.runner import Runner

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
ROUNDS, PATIENCE_S = 2, 600
#: Long rounds, so that a busy machine takes part in them.
TIMING = Timing(voting_epoch_s=40, reveal_deadline_s=20)
REPORT = re.compile(r"\[(\w+)\] REPORT .* Max Memory Used: (\d+) MB")


def test_the_peak_of_every_handler_of_whole_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    """The most that any call of a function used, by Lambda's own measure; the target is 300 MB."""
    with (
        LocalCloud() as cloud,
        Runner(cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM) as runner,
    ):
        market = open_market(
            cloud, runner, vote_power_wei=(10**24,), timing=TIMING, every_feed=True, services=("oracle", "ops")
        )
        (provider,) = market.providers
        market.start(provider)
        until_s = time.monotonic() + PATIENCE_S
        while len(events(market.network, "Relay", "ProtocolMessageRelayed")) < ROUNDS and time.monotonic() < until_s:
            time.sleep(1)
        finalised = len(events(market.network, "Relay", "ProtocolMessageRelayed"))
        provider.stack.stop()
        log = provider.stack.log()

    used_mb: dict[str, list[int]] = defaultdict(list)
    for name, peak_mb in REPORT.findall(log):
        used_mb[name].append(int(peak_mb))
    lines = [f"{name:<32}{max(peaks):>6} MB, {len(peaks):>4} calls" for name, peaks in sorted(used_mb.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", f"Peak memory, {finalised} rounds of 63 feeds", *lines, ""]))

    assert finalised >= ROUNDS
    assert {"queue_collect", "queue_commit", "queue_reveal", "queue_sign", "queue_finalise"} <= set(used_mb)
