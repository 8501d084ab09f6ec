-- name: recent_batches
-- Batches below an id, newest first: ids ascend with time.
select * from netting.batches where id < %(below)s order by id desc limit %(limit)s;

-- name: settlements_by_state
-- How many settlements of a batch are in which state.
select state, count(*) as settlements from netting.settlements where batch = %(batch)s group by state;

-- name: metadata_pin
-- Where a batch's metadata is pinned.
select cid from kernel.pins where business_key = %(business_key)s;

-- name: settlements_page
-- Settlements of a batch after an ordinal.
select * from netting.settlements where batch = %(batch)s and ordinal > %(after)s order by ordinal limit %(limit)s;

-- name: settlement_by_number
-- The settlement that has, or had at last, this number in the program.
select * from netting.settlements where chain_batch = %(chain_batch)s;

-- name: contents
-- What all settlements of a batch come to.
select ordinal, content from netting.settlements where batch = %(batch)s order by ordinal;

-- name: pending_page
-- Intents that wait, in priority order, after one of them.
select * from netting.intents
where state = 'pending'
    and (created_at_ms, nonce, id collate "C") > (%(created_at_ms)s, %(nonce)s, %(id)s collate "C")
order by created_at_ms, nonce, id collate "C"
limit %(limit)s;

-- name: totals
-- What all batches came to, those left out that moved nothing. The last three are of those whose optimum was looked for.
select count(*) as batches,
    coalesce(sum(accepted), 0) as intents,
    coalesce(sum(transactions), 0) as transactions,
    coalesce(sum(packing_bound), 0) as packing_bound,
    coalesce(sum(traded_lamports), 0) as traded_lamports,
    coalesce(sum(moved_lamports), 0) as moved_lamports,
    coalesce(sum(rule_lamports), 0) as rule_lamports,
    coalesce(sum(found_lamports), 0) as found_lamports,
    coalesce(sum(optimal_lamports), 0) as optimal_lamports
from netting.batches
where state not in ('empty', 'abandoned');

-- name: queue
-- How many intents wait, and since when.
select count(*) as pending, min(received_at) as oldest_at from netting.intents where state = 'pending';

-- name: open_batches
-- How many batches are not over.
select count(*) as open_batches from netting.batches where state in ('netted', 'settling', 'settled');
