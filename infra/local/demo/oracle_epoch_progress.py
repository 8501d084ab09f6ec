"""The rounds of the oracle's whole show while they run: a line a round, and what happens beside."""

from collections.abc import Mapping
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from functions.oracle.core.message import decode_protocol_message
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, SUBMIT_SIGNATURES, parse_calldata
from functions.oracle.core.relay import decode_relay
from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_chain import Seen
from infra.local.demo.oracle_epoch_rounds import Rounds
from infra.local.demo.oracle_epoch_story import Steps

#: A round is drawn from its first commit to its finalisation.
STEPS: Final = 3 * cast.PROVIDERS + 1


class Live:
    """A bar a round; a context manager."""

    def __init__(self, console: Console, rounds: Rounds, shown: range) -> None:
        self._rounds, self._shown = rounds, shown
        columns = (TextColumn("  {task.description}"), BarColumn(20), TextColumn("{task.fields[words]}"))
        self._progress = Progress(*columns, console=console)
        self._bars: dict[int, TaskID] = {}
        self._drawn: Seen | None = None
        self._names = {
            account.address.lower(): voter.name for voter in rounds.record.network.voters for account in voter.accounts
        }

    def __enter__(self) -> Self:
        self._progress.start()
        for place, number in enumerate(self._shown, 1):
            words = f"round {place}"
            self._bars[number] = self._progress.add_task(words, total=STEPS, words="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._progress.console.print(f"  {line}")

    def committed(self, number: int) -> Mapping[str, int]:
        """Who has committed in a round, and when, in seconds of its epoch."""
        return self._senders(SUBMIT1, number, self._rounds.record.epoch(number).start_s)

    def revealed(self, number: int) -> Mapping[str, int]:
        """The same of reveals, also of those that came too late."""
        return self._senders(SUBMIT2, number, self._rounds.record.epoch(number).next.start_s)

    def signed(self, number: int) -> int:
        """How many have signed a round's result."""
        played = self._rounds.of(number)
        return 0 if played is None else len(self._rounds.signatures(played))

    def finalised(self, number: int) -> tuple[str, int] | None:
        """Who finalised a round, and when, in seconds of the epoch after its own."""
        for call in self._rounds.record.seen.relayed:
            said = decode_relay(call.calldata)
            if call.has_changed and said and decode_protocol_message(said.message).voting_round == number:
                return self._names[call.sender], call.block_time_s - self._rounds.record.epoch(number).next.start_s
        return None

    def is_over(self, number: int) -> bool:
        """Whether a round is final and the epoch of its signatures has ended."""
        ends_s = self._rounds.record.epoch(number).next.end_s
        return self.finalised(number) is not None and self._rounds.record.seen.head_time_s >= ends_s

    def steps(self, number: int) -> Steps:
        """Everything that was done in a round that is over; seconds count from its own epoch's start."""
        epoch = self._rounds.record.epoch(number)
        length_s = epoch.network.voting_epoch_length_s
        final = self.finalised(number)
        assert final is not None
        return Steps(
            commits=self.committed(number),
            reveals={name: at_s + length_s for name, at_s in self.revealed(number).items()},
            signatures=self._senders(SUBMIT_SIGNATURES, number, epoch.start_s),
            finaliser=final[0],
            finalised_s=final[1] + length_s,
        )

    def look(self) -> None:
        """Draw what a new block brought."""
        seen = self._rounds.record.seen
        if seen is self._drawn:
            return
        self._drawn = seen
        for number, bar in self._bars.items():
            if self._is_drawn(number) or seen.head_time_s < self._rounds.record.epoch(number).start_s:
                continue
            commits, reveals, signed = len(self.committed(number)), len(self.revealed(number)), self.signed(number)
            final = self.finalised(number)
            done = f"final by {final[0]} at {final[1]} s" if final else ""
            words = f"commits {commits:>2} reveals {reveals:>2} signed {signed:>2} {done}" if commits else ""
            completed = STEPS if self.is_over(number) else commits + reveals + signed + bool(final)
            self._progress.update(bar, completed=completed, words=words)

    def _is_drawn(self, number: int) -> bool:
        return self._progress.tasks[self._bars[number]].completed == STEPS

    def _senders(self, selector: bytes, number: int, start_s: int) -> Mapping[str, int]:
        return {
            self._names[one.sender]: one.block_time_s - start_s
            for one in self._rounds.record.seen.submissions
            if one.block_time_s >= start_s and one.calldata[:4] == selector
            if any(message.voting_round == number for message in parse_calldata(one.calldata))
        }
