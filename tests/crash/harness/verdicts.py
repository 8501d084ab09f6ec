"""What must hold at the end of every run, whatever it was about: nothing is open, nothing orphaned, books balance."""

from tests.crash.harness.world import World

OPEN_TASKS = "select kind, business_key, state, error_code, error from kernel.tasks where state <> 'done'"
OPEN_ATTEMPTS = "select task_id, fence, owner from kernel.task_attempts where ended_at is null"
OPEN_ENTRIES = "select business_key, state, nonce, alarm from kernel.evm_outbox where settled_at is null"
LEASES = "select signer, next_nonce from kernel.evm_nonces"
SHARED_NONCES = """
select signer, nonce from kernel.evm_outbox group by chain_id, signer, nonce having count(*) > 1
"""


def nothing_is_left(world: World) -> None:
    """Every task done, every attempt ended, every obligation final, every leased nonce used, once."""
    assert world.rows(OPEN_TASKS) == []
    assert world.rows(OPEN_ATTEMPTS) == []
    if "evm" in world.site.urls:
        nonces_have_no_gap(world)


def nonces_have_no_gap(world: World) -> None:
    """Every nonce that was leased is mined, nothing waits behind it, and no two entries share one."""
    assert world.rows(OPEN_ENTRIES) == []
    assert world.rows(SHARED_NONCES) == []
    for lease in world.rows(LEASES):
        mined = world.evm.nonce(lease["signer"])
        assert mined >= lease["next_nonce"], f"nonces {mined} to {lease['next_nonce'] - 1} are leased and unused"
        assert mined == world.evm.nonce(lease["signer"], "pending"), "a transaction waits behind a gap"
