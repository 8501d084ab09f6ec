-- name: insert_watch
-- An exchange that was not followed, with the first row of its history.
with inserted as (
    insert into barter.watches (chain_id, address, is_ours, next_look_at, watched_at, moved_at)
    values (%(chain_id)s, %(address)s, %(is_ours)s, %(now)s, %(now)s, %(now)s)
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state, correlation_id, happened_at)
    select chain_id, address, 'watch', 'watch', state, %(correlation_id)s, %(now)s from inserted
)
select * from inserted;

-- name: watch
-- One watch.
select * from barter.watches where chain_id = %(chain_id)s and address = %(address)s;

-- name: lock_watch
-- One watch, held until the commit: whoever changes anything of an exchange holds it first.
select * from barter.watches where chain_id = %(chain_id)s and address = %(address)s for update;

-- name: raise_watch
-- We pay for it from now on.
with raised as (
    update barter.watches set is_ours = true
    where chain_id = %(chain_id)s and address = %(address)s
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state_left, state, correlation_id, happened_at)
    select chain_id, address, 'watch', 'raise', state, state, %(correlation_id)s, %(now)s from raised
)
select * from raised;

-- name: lock_count
-- One who asks at a time, so that two do not both take the last place, nor make two watches.
select pg_advisory_xact_lock(hashtextextended('barter.watches/count', 0));

-- name: count_live
-- How many exchanges are followed, and how many of them for strangers only.
select count(*) as live, count(*) filter (where not is_ours) as strangers from barter.watches
where chain_id = %(chain_id)s and state not in ('over', 'lapsed');

-- name: move_watch
-- A watch's next state, if it is still in the one that it leaves, with its row of history. Asked for again, it begins.
with moved as (
    update barter.watches
    set state = %(state)s, moved_at = %(now)s, reason = null,
        watched_at = case when %(event)s = 'resume' then %(now)s else watched_at end
    where chain_id = %(chain_id)s and address = %(address)s and state = %(state_left)s
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state_left, state, details, correlation_id,
                                happened_at)
    select chain_id, address, 'watch', %(event)s, %(state_left)s, state, %(details)s, %(correlation_id)s, %(now)s
    from moved
)
select * from moved;

-- name: stir_watch
-- Its exchange has changed its phase.
update barter.watches set moved_at = %(now)s where chain_id = %(chain_id)s and address = %(address)s;

-- name: lock_lapsing
-- Watches that only strangers have asked for, and that have stood still, or were followed, for too long.
select * from barter.watches
where chain_id = %(chain_id)s and not is_ours and state not in ('over', 'lapsed')
    and (moved_at <= %(moved)s or watched_at <= %(watched)s)
order by watched_at
limit %(limit)s
for update skip locked;

-- name: plan_look
-- The next look, with its number.
update barter.watches set looks = looks + 1, next_look_at = %(at)s
where chain_id = %(chain_id)s and address = %(address)s
returning *;

-- name: note_unseen
-- Why nothing was seen; null once something is.
update barter.watches set reason = %(reason)s
where chain_id = %(chain_id)s and address = %(address)s and reason is distinct from %(reason)s;

-- name: missed_looks
-- Watches whose look is long due: its task was lost, or nobody has worked on it.
select * from barter.watches
where chain_id = %(chain_id)s and state not in ('over', 'lapsed') and next_look_at < %(before)s
order by next_look_at
limit %(limit)s
for update skip locked;

-- name: live_contracts
-- The exchanges whose events are read, and the first block that counts for any of them. A stranger's may tell of a
-- thousand phases in a block, and each event is a task: what only strangers asked for is looked at, and not listened to.
select c.address, min(c.first_block) over () as first_block
from barter.watches w
join barter.contracts c using (chain_id, address)
where w.chain_id = %(chain_id)s and w.is_ours and w.state not in ('over', 'lapsed')
order by c.address;

-- name: late_contracts
-- Exchanges in Trade whose proof has had all its blocks, as of a block.
select w.* from barter.watches w
join barter.contracts c using (chain_id, address)
where w.chain_id = %(chain_id)s and w.state = 'ready' and c.trade_block < %(trade_before)s
order by c.trade_block
limit %(limit)s;

-- name: hopeless
-- How many exchanges wait for a proof that nobody tries any more.
select count(*) as hopeless from barter.watches w
join barter.jobs j using (chain_id, address)
where w.chain_id = %(chain_id)s and w.state = 'ready' and j.state = 'errored' and j.next_attempt_at is null;

-- name: keep_contract
-- What an exchange says, unless it is known as of a later block.
insert into barter.contracts (chain_id, address, operator, verifier, image_id, agents_max, list_max, deposit_fee_wei,
                              phase, phase_started_at, phase_ends_at, agents, trade_block, trade_hash, first_block,
                              block_number, block_hash, seen_at)
values (%(chain_id)s, %(address)s, %(operator)s, %(verifier)s, %(image_id)s, %(agents_max)s, %(list_max)s,
        %(deposit_fee_wei)s, %(phase)s, %(phase_started_at)s, %(phase_ends_at)s, %(agents)s, %(trade_block)s,
        %(trade_hash)s, %(block_number)s, %(block_number)s, %(block_hash)s, %(now)s)
on conflict (chain_id, address) do update
set phase = excluded.phase, phase_started_at = excluded.phase_started_at, phase_ends_at = excluded.phase_ends_at,
    agents = excluded.agents, trade_block = excluded.trade_block, trade_hash = excluded.trade_hash,
    block_number = excluded.block_number, block_hash = excluded.block_hash, seen_at = excluded.seen_at
where contracts.block_number <= excluded.block_number
returning *;

-- name: contract
-- What is known of an exchange.
select * from barter.contracts where chain_id = %(chain_id)s and address = %(address)s;

-- name: contracts_page
-- Exchanges, newest watch first, below a place.
select * from barter.watches
where chain_id = %(chain_id)s
    and (%(watched_at)s::timestamptz is null or (watched_at, address) < (%(watched_at)s, %(below)s::text))
order by watched_at desc, address desc
limit %(limit)s;

-- name: contracts_of
-- What is known of some exchanges.
select * from barter.contracts where chain_id = %(chain_id)s and address = any(%(addresses)s);

-- name: jobs_of
-- The wanted jobs of some exchanges.
select * from barter.jobs where chain_id = %(chain_id)s and address = any(%(addresses)s) and state <> 'void';

-- name: calls_of
-- Our transactions to some exchanges, oldest first.
select * from barter.calls where chain_id = %(chain_id)s and address = any(%(addresses)s) order by address, number;

-- name: history_of
-- The newest steps of an exchange's life, oldest first.
select * from (
    select * from barter.history where chain_id = %(chain_id)s and address = %(address)s order by id desc limit %(limit)s
) newest order by id;

-- name: job_of
-- The job that an exchange's proof is owed by.
select * from barter.jobs where chain_id = %(chain_id)s and address = %(address)s and state <> 'void';

-- name: job
-- One job.
select * from barter.jobs where id = %(id)s;

-- name: lock_job
-- One job, held until the commit.
select * from barter.jobs where id = %(id)s for update;

-- name: job_of_offload
-- The job whose proof is computed elsewhere.
select * from barter.jobs where offload_id = %(offload_id)s;

-- name: job_of_trade
-- The job of one block in which Trade began.
select * from barter.jobs
where chain_id = %(chain_id)s and address = %(address)s and trade_block = %(trade_block)s and trade_hash = %(trade_hash)s;

-- name: insert_job
-- A proof is owed, with the first row of its history.
with inserted as (
    insert into barter.jobs (id, chain_id, address, trade_block, trade_hash, created_at, moved_at)
    values (%(id)s, %(chain_id)s, %(address)s, %(trade_block)s, %(trade_hash)s, %(now)s, %(now)s)
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state, details, correlation_id, happened_at)
    select chain_id, address, 'job', 'create', state, %(details)s, %(correlation_id)s, %(now)s from inserted
)
select * from inserted;

-- name: move_job
-- A job's next state, if it is still in the one that it leaves, with its row of history.
with moved as (
    update barter.jobs
    set state = %(state)s, moved_at = %(now)s, error = %(error)s, next_attempt_at = %(next_attempt_at)s,
        attempts = case %(event)s when 'begin' then attempts + 1 when 'put_off' then attempts - 1 when 'return' then 0
            else attempts end,
        begun_at = case when %(event)s = 'begin' then %(now)s else begun_at end,
        mode = coalesce(%(mode)s, mode), agents = coalesce(%(agents)s, agents),
        offload_id = case when %(event)s in ('begin', 'fail', 'withdraw', 'expire') then null else offload_id end,
        journal = %(journal)s, seal = %(seal)s,
        completed_at = case when %(state)s = 'completed' then %(now)s end
    where id = %(id)s and state = %(state_left)s
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state_left, state, details, correlation_id,
                                happened_at)
    select chain_id, address, 'job', %(event)s, %(state_left)s, state, %(details)s, %(correlation_id)s, %(now)s
    from moved
)
select * from moved;

-- name: offload_job
-- The job's proof is computed elsewhere.
update barter.jobs set offload_id = %(offload_id)s where id = %(id)s and state = 'in_progress' returning *;

-- name: wake_job
-- Its task is asked for once more.
update barter.jobs set wakes = wakes + 1 where id = %(id)s returning *;

-- name: open_tasks
-- How many tasks about a proof, the offloaded work included, are under way or due.
select count(*) as open from kernel.tasks
where state in ('ready', 'leased') and starts_with(business_key, %(prefix)s);

-- name: call_of
-- The open transaction to an exchange.
select * from barter.calls where chain_id = %(chain_id)s and address = %(address)s and state = 'open';

-- name: calls_for
-- How many transactions there were of a purpose, for a proof or to end a phase, and how many that we did not take back.
select count(*) as made,
    count(*) filter (where state <> 'cancelled' or coalesce(reason, '') <> all(%(taken_back)s::text[])) as tried
from barter.calls
where chain_id = %(chain_id)s and address = %(address)s and purpose = %(purpose)s and phase = %(phase)s
    and job_id is not distinct from %(job_id)s;

-- name: insert_call
-- A transaction to an exchange is recorded, with the first row of its history.
with numbered as (
    select coalesce(max(number), 0) + 1 as number from barter.calls
    where chain_id = %(chain_id)s and address = %(address)s
), inserted as (
    insert into barter.calls (transfer, chain_id, address, purpose, number, phase, job_id, recorded_at)
    select %(prefix)s || number, %(chain_id)s, %(address)s, %(purpose)s, number, %(phase)s, %(job_id)s, %(now)s
    from numbered
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state, details, correlation_id, happened_at)
    select chain_id, address, 'call', purpose, state, jsonb_build_object('transfer', transfer), %(correlation_id)s,
        %(now)s
    from inserted
)
select * from inserted;

-- name: end_call
-- A transaction to an exchange has ended, once.
with ended as (
    update barter.calls
    set state = %(state)s, reason = %(reason)s, transaction_hash = %(transaction_hash)s, block_number = %(block_number)s,
        ended_at = %(now)s
    where transfer = %(transfer)s and state = 'open'
    returning *
), remembered as (
    insert into barter.history (chain_id, address, subject, event, state_left, state, details, correlation_id,
                                happened_at)
    select chain_id, address, 'call', purpose, 'open', state, %(details)s, %(correlation_id)s, %(now)s from ended
)
select * from ended;

-- name: call_paid_by
-- The call that an entry of the outbox is.
select c.* from kernel.treasury_transfers t
join barter.calls c on c.transfer = t.key
where t.entry_id = %(entry_id)s;
