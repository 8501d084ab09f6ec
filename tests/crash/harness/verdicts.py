"""What must hold at the end of every run, whatever it was about: nothing is open, nothing orphaned, books balance."""

from kernel.ledger import Ledger
from tests.crash.harness.world import World

# A step of a bridge's order that somebody took and died before he said so is skipped by the next; so is a netting where
# too few wait, and what the program did that concerns nobody. What an oracle may miss, its own verdict says. A
# contest's snapshot is pointless once the next is due, and its evaluation once another one has ranked it. A look at an
# exchange whose watch is over, and a proof that is made already, are none of barter's business any more.
OPEN_TASKS = """
select kind, business_key, state, error_code, error from kernel.tasks
where state <> 'done'
    and not (state = 'skipped' and (starts_with(kind, 'bridge.') or starts_with(kind, 'netting.')
        or starts_with(kind, 'oracle.') or starts_with(kind, 'contests.')
        or starts_with(kind, 'barter.')))
"""
OPEN_ATTEMPTS = "select task_id, fence, owner from kernel.task_attempts where ended_at is null"
OPEN_EVM_ENTRIES = "select business_key, state, nonce, alarm from kernel.evm_outbox where settled_at is null"
OPEN_SOLANA_ENTRIES = "select business_key, state, alarm from kernel.solana_outbox where settled_at is null"
HELD_NONCES = "select cluster, account, entry_id from kernel.solana_nonces where entry_id is not null"
LEASES = "select signer, next_nonce from kernel.evm_nonces"
SHARED_NONCES = """
select signer, nonce from kernel.evm_outbox group by chain_id, signer, nonce having count(*) > 1
"""


def nothing_is_left(world: World) -> None:
    """Every task done, every attempt ended, every obligation final, every leased nonce used, the books in balance."""
    for remainder in (OPEN_TASKS, OPEN_ATTEMPTS, OPEN_EVM_ENTRIES, OPEN_SOLANA_ENTRIES, SHARED_NONCES, HELD_NONCES):
        left = world.rows(remainder)
        assert left == [], left
    with world.postgres.transaction() as tx:
        wrong = Ledger(world.clock).discrepancies(tx)
    assert wrong == [], wrong
    if "evm" in world.site.urls:
        nonces_have_no_gap(world)


def nonces_have_no_gap(world: World) -> None:
    """Every nonce that was leased is mined, and nothing waits behind it."""
    for lease in world.rows(LEASES):
        mined = world.evm.nonce(lease["signer"])
        assert mined >= lease["next_nonce"], f"nonces {mined} to {lease['next_nonce'] - 1} are leased and unused"
        assert mined == world.evm.nonce(lease["signer"], "pending"), "a transaction waits behind a gap"
