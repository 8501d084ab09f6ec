-- name: open_lane
-- The one row, where there is none yet.
insert into netting.lane (last_chain_batch, moved_at) values (0, %(now)s) on conflict do nothing;

-- name: lock_lane
-- The last number that was given, and whose it was; held until the commit.
select * from netting.lane for update;

-- name: give_lane
-- A settlement goes its way under a number.
update netting.lane
set last_chain_batch = greatest(last_chain_batch, %(chain_batch)s), batch = %(batch)s, ordinal = %(ordinal)s,
    moved_at = %(now)s;

-- name: record_attempt
-- One obligation of a settlement.
insert into netting.settlement_attempts (batch, ordinal, attempt, step, chain_batch, transfer, recorded_at)
values (%(batch)s, %(ordinal)s, %(attempt)s, %(step)s, %(chain_batch)s, %(transfer)s, %(now)s);

-- name: attempts
-- Every obligation of a settlement, oldest first, with where it stands in the outbox.
select a.*, o.state as stands, o.slot
from netting.settlement_attempts a
join kernel.solana_outbox o on o.business_key = 'treasury/' || a.transfer
where a.batch = %(batch)s and a.ordinal = %(ordinal)s
order by a.attempt, a.step;

-- name: attempt_of
-- The settlement that an obligation is of.
select * from netting.settlement_attempts where transfer = %(transfer)s;

-- name: end_attempt
-- How an obligation of a settlement ended.
update netting.settlement_attempts set ended = %(ended)s, reason = %(reason)s
where transfer = %(transfer)s and ended is null;

-- name: waiting_contents
-- What a batch still has to send.
select content from netting.settlements where batch = %(batch)s and state = 'waiting' order by ordinal;

-- name: contents
-- What a batch has settled.
select content from netting.settlements where batch = %(batch)s and state in ('settled', 'indexed') order by ordinal;

-- name: standings
-- The settlements of a batch by their state.
select state, count(*) as settlements from netting.settlements where batch = %(batch)s group by state;

-- name: is_unpinned
-- Whether the batch's metadata waits for being pinned.
select exists (select from netting.unpinned_metadata where batch = %(batch)s) as waits;

-- name: items
-- The numbers of items, and who owns them by the newest reading that was stored.
select item_id, item_number, owner from netting.item_ownership where item_id = any (%(items)s);

-- name: outcome
-- What became of each settlement of a batch that is final; one that is indexed is told as settled, which it is.
select ordinal, case when state = 'indexed' then 'settled' else state end as state, chain_batch, signature, slot,
       case when state = 'abandoned' then reason end as reason
from netting.settlements where batch = %(batch)s order by ordinal;
