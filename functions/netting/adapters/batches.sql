-- name: batch
-- One batch.
select * from netting.batches where id = %(id)s;

-- name: lock_batch
-- One batch, held until the commit: its settlements tell it one after the other where it goes.
select * from netting.batches where id = %(id)s for update;

-- name: move_batch
-- A batch's next state, if it is still in the one that it leaves.
update netting.batches set state = %(state)s, moved_at = %(now)s where id = %(id)s and state = %(state_left)s
returning *;

-- name: count_failures
-- One more failure in a row, or none any more.
update netting.batches set failures = case when %(failed)s then failures + 1 else 0 end
where id = %(id)s and (%(failed)s or failures > 0);

-- name: settlement
-- One settlement.
select * from netting.settlements where batch = %(batch)s and ordinal = %(ordinal)s;

-- name: lock_settlement
-- One settlement, held until the commit.
select * from netting.settlements where batch = %(batch)s and ordinal = %(ordinal)s for update;

-- name: lock_settlement_by_number
-- The settlement whose present attempt has this number in the program, held until the commit.
select * from netting.settlements where chain_batch = %(chain_batch)s for update;

-- name: lock_next_waiting
-- The first settlement of a batch that is still to be sent, held until the commit.
select * from netting.settlements
where batch = %(batch)s and state = 'waiting'
order by ordinal
limit 1
for update;

-- name: states_of_settlements
-- Which states the settlements of a batch are in.
select distinct state from netting.settlements where batch = %(batch)s;

-- name: move_settlement
-- A settlement's next state, if it is still in the one that it leaves, and what is new of it.
update netting.settlements
set state = %(state)s, moved_at = %(now)s, reason = %(reason)s,
    attempt = coalesce(%(attempt)s, attempt), chain_batch = coalesce(%(chain_batch)s, chain_batch),
    step = coalesce(%(step)s, step), signature = coalesce(%(signature)s, signature), slot = coalesce(%(slot)s, slot)
where batch = %(batch)s and ordinal = %(ordinal)s and state = %(state_left)s
returning *;

-- name: release_reservations
-- A settlement is over: its items and its wallets' funds are nobody's but their owners'.
delete from netting.reservations where batch = %(batch)s and ordinal = %(ordinal)s;

-- name: return_intents
-- A settlement will not be: its intents wait again, or age out.
update netting.intents
set state = 'pending', batch = null, settlement = null, reason = %(reason)s, moved_at = %(now)s
where batch = %(batch)s and settlement = %(ordinal)s and state = 'batched';
