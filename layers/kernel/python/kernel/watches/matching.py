"""Owns which events are of a watch, and what of a Solana transaction becomes events: as the cursors have it (pure)."""

from collections.abc import Collection, Sequence

from kernel.chain_events import EvmEvent, SolanaEvent
from kernel.evm.log_cursor import Watch
from kernel.solana.program_cursor import ProgramWatch, Wanted
from kernel.solana.program_cursor.program_logs import LogsUnreadable, read


def wants(watch: Watch, event: EvmEvent) -> bool:
    """Whether the watch's cursor would deliver this event, once it is confirmed."""
    return event.chain_id == watch.chain_id and event.block_number >= watch.start_block and watch.wants(event)


def spoken(
    watch: ProgramWatch,
    *,
    signature: str,
    slot: int,
    succeeded: bool,
    accounts: Collection[str],
    programs: Sequence[str],
    logs: Sequence[str],
) -> list[SolanaEvent]:
    """What the watch's cursor would deliver of a transaction, once it is final.

    programs: of the transaction's own instructions, in order; accounts: all that it names. Of a log that is cut off,
    what came before the cut. Raises LogsUnreadable: then it is left to the cursor, which asks several nodes.
    """
    is_late = slot >= watch.start_slot and signature != watch.start_after
    if not is_late or watch.address not in accounts or not (succeeded or watch.with_failed):
        return []
    said = [("", 0, "", b"")]
    if watch.wanted is Wanted.PROGRAM_DATA:
        reading = read(logs, programs, succeeded=succeeded)
        said = [(one.path, one.ordinal, one.program, one.data) for one in reading.said if one.program == watch.address]
    return [
        SolanaEvent(
            cluster=watch.cluster,
            slot=slot,
            signature=signature,
            instruction_path=path,
            ordinal=ordinal,
            program=program,
            data=data,
            succeeded=succeeded,
        )
        for path, ordinal, program, data in said
    ]


__all__ = ["LogsUnreadable", "spoken", "wants"]
