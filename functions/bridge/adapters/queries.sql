-- name: lock_order_id
-- Alone with an order's id until the commit, so that of two tellings at once the second sees the first.
select pg_advisory_xact_lock(hashtextextended('bridge.orders/' || %(origin)s || '/' || %(order_id)s, 0));

-- name: generations
-- Every deposit that an id ever was, held until the commit.
select * from bridge.orders where origin = %(origin)s and order_id = %(order_id)s order by generation for update;

-- name: insert_order
-- A deposit that was not known, with the first row of its history.
with inserted as (
    insert into bridge.orders (origin, order_id, generation, recipient, amount_wei, fee_wei, block_number, block_hash,
                               transaction_hash, seen_at, moved_at)
    values (%(origin)s, %(order_id)s, %(generation)s, %(recipient)s, %(amount_wei)s, %(fee_wei)s, %(block_number)s,
            %(block_hash)s, %(transaction_hash)s, %(now)s, %(now)s)
    returning *
), remembered as (
    insert into bridge.order_history (origin, order_id, generation, event, state, details, correlation_id, happened_at)
    select origin, order_id, generation, 'index', state, %(details)s, %(correlation_id)s, %(now)s from inserted
)
select * from inserted;

-- name: store_contents
-- What the chain says of an order now: another block, another fee, or another deposit altogether.
update bridge.orders
set recipient = %(recipient)s, amount_wei = %(amount_wei)s, fee_wei = %(fee_wei)s, block_number = %(block_number)s,
    block_hash = %(block_hash)s, transaction_hash = %(transaction_hash)s, seen_at = %(seen_at)s, gone_at = null
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state)s
returning *;

-- name: order
-- One order.
select * from bridge.orders
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s;

-- name: lock_order
-- One order, held until the commit.
select * from bridge.orders
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s
for update;

-- name: move_order
-- An order's next state, if it is still in the one that it leaves, with its row of history, and the decision that moves
-- it, if one does. A step that ends well ends a row of failures.
with moved as (
    update bridge.orders
    set state = %(state)s, moved_at = %(now)s, reason = %(reason)s,
        round = round + (case when %(begins_round)s then 1 else 0 end),
        claims = claims + (case when %(event)s = 'claim' then 1 else 0 end),
        is_failed = is_failed and not %(ends_failures)s, is_parked = is_parked and not %(ends_failures)s,
        attempts = case when %(ends_failures)s then 0 else attempts end,
        next_attempt_at = case when %(ends_failures)s or %(event)s = 'claim' then null else next_attempt_at end,
        gone_at = case when %(state)s in ('completed', 'dropped', 'pending') then null else gone_at end,
        decision = coalesce(%(decision)s, decision),
        decided_at = case when %(decision)s::jsonb is null then decided_at else %(now)s end,
        fill_hash = coalesce(%(fill_hash)s, fill_hash), fill_block = coalesce(%(fill_block)s, fill_block),
        close_hash = coalesce(%(close_hash)s, close_hash), close_block = coalesce(%(close_block)s, close_block)
    where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state_left)s
    returning *
), remembered as (
    insert into bridge.order_history (origin, order_id, generation, event, state_left, state, details, correlation_id,
                                      happened_at)
    select origin, order_id, generation, %(event)s, %(state_left)s, state, %(details)s, %(correlation_id)s, %(now)s
    from moved
)
select * from moved;

-- name: add_history
-- One step of an order's life.
insert into bridge.order_history (origin, order_id, generation, event, state_left, state, details, correlation_id,
                                  happened_at)
values (%(origin)s, %(order_id)s, %(generation)s, %(event)s, %(state_left)s, %(state)s, %(details)s,
        %(correlation_id)s, %(now)s);

-- name: store_decision
-- The newest decision with what it was made from; a pending order remembers why it waits.
update bridge.orders
set decision = %(decision)s, decided_at = %(now)s, reason = %(reason)s
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state)s
returning *;

-- name: fail_order
-- A step of an order failed.
update bridge.orders
set is_failed = true, attempts = %(attempts)s, is_parked = %(is_parked)s, next_attempt_at = %(next_attempt_at)s
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state)s
returning *;

-- name: add_error
-- What failed.
insert into bridge.order_errors (origin, order_id, generation, state, code, message, correlation_id, happened_at)
values (%(origin)s, %(order_id)s, %(generation)s, %(state)s, %(code)s, %(message)s, %(correlation_id)s, %(now)s);

-- name: mark_gone
-- The deposit is not found on its chain; the first such finding counts.
update bridge.orders set gone_at = coalesce(gone_at, %(now)s)
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state)s
returning *;

-- name: mark_found
-- It is there.
update bridge.orders set gone_at = null
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and state = %(state)s
returning *;

-- name: mark_lost
-- What is owed for it was posted as lost, or taken back from there.
update bridge.orders
set is_lost = %(is_lost)s, losses = losses + (case when %(is_lost)s then 1 else 0 end)
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and is_lost <> %(is_lost)s
returning *;

-- name: exposure
-- What is promised of our ether and not yet in the books; what is out for a recipient, and for an origin; whether the
-- recipient is a wallet that the treasury keeps on L1.
select
    coalesce(sum(amount_wei + fee_wei) filter (where state = 'processing'), 0) as promised_wei,
    coalesce(sum(amount_wei) filter (where recipient = %(recipient)s), 0) as recipient_open_wei,
    coalesce(sum(amount_wei) filter (where origin = %(origin)s), 0) as origin_open_wei,
    exists (
        select from kernel.treasury_wallets where chain = %(chain)s and lower(address) = lower(%(address)s)
    ) as is_recipient_ours
from bridge.orders
where state in ('processing', 'transferring', 'fulfilled', 'proving', 'proved') and not is_lost;

-- name: lock_exposure
-- One decision at a time: each sees what the one before has promised.
select pg_advisory_xact_lock(hashtextextended('bridge.orders/exposure', 0));

-- name: claimable
-- What may be claimed of an origin, the oldest first; what failed waits for its next attempt.
select * from bridge.orders
where origin = %(origin)s and state = 'fulfilled' and gone_at is null and not is_parked
    and (next_attempt_at is null or next_attempt_at <= %(now)s)
order by moved_at, order_id, generation
limit %(limit)s;

-- name: lock_claimable
-- Those of some orders that are claimable still; others are left to whoever holds them.
select o.* from bridge.orders o
join unnest(%(ids)s::numeric[], %(generations)s::integer[]) with ordinality as w (order_id, generation, nth)
    on o.order_id = w.order_id and o.generation = w.generation
where o.origin = %(origin)s and o.state = 'fulfilled' and o.gone_at is null and not o.is_parked
order by w.nth
for update of o skip locked;

-- name: due_for_retry
-- Orders whose failure is to be tried again, and orders that nobody has moved for long though no task of theirs is open.
select o.* from bridge.orders o
where o.state not in ('completed', 'dropped', 'transferring', 'proving') and not o.is_parked
    and (o.next_attempt_at <= %(now)s
         or (o.next_attempt_at is null and o.moved_at < %(stranded_before)s and not exists (
             select from kernel.tasks t
             where t.state in ('ready', 'leased')
                 and starts_with(t.business_key, 'bridge:' || o.origin || ':' || o.order_id || ':')
                 -- From the second generation on the key names it, "bridge:zksync:17:g2:fill"; no step is called so.
                 and o.generation = coalesce(substring(split_part(t.business_key, ':', 4) from '^g([0-9]+)$')::integer, 1))))
order by o.moved_at
limit %(limit)s
for update of o skip locked;

-- name: wake_order
-- Its step is asked for anew. Until that has had its time it is not asked for again.
update bridge.orders set wakes = wakes + 1, next_attempt_at = %(next_attempt_at)s, moved_at = %(now)s
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s
returning *;

-- name: release_order
-- A person lets a parked order go on: at the next turn, with all its attempts.
update bridge.orders
set is_parked = false, attempts = 0, next_attempt_at = %(now)s
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s and is_parked
returning *;

-- name: add_transfer_part
-- An order's part in one of our transactions.
insert into bridge.order_transfers (transfer, ordinal, parts, purpose, origin, order_id, generation)
values (%(transfer)s, %(ordinal)s, %(parts)s, %(purpose)s, %(origin)s, %(order_id)s, %(generation)s);

-- name: orders_of_transfer
-- The orders of one of our transactions, held until the commit, in the order of their parts.
select o.*, p.purpose from bridge.order_transfers p
join bridge.orders o on o.origin = p.origin and o.order_id = p.order_id and o.generation = p.generation
where p.transfer = %(transfer)s
order by p.ordinal
for update of o;

-- name: order_paid_by
-- The order whose payment an entry of the outbox is.
select o.* from kernel.treasury_transfers t
join bridge.order_transfers p on p.transfer = t.key and p.purpose = 'fill'
join bridge.orders o on o.origin = p.origin and o.order_id = p.order_id and o.generation = p.generation
where t.entry_id = %(entry_id)s;

-- name: add_refund
-- What a message has left of its fee, once; the claim is the order's newest one that is final.
insert into bridge.refunds (origin, transaction_hash, block, amount_wei, transfer, booked_at)
values (%(origin)s, %(transaction_hash)s, %(block)s, %(amount_wei)s, (
    select p.transfer from bridge.order_transfers p join kernel.treasury_transfers t on t.key = p.transfer
    where p.origin = %(origin)s and p.order_id = %(order_id)s and p.generation = %(generation)s
        and p.purpose = 'claim' and t.state = 'confirmed'
    order by t.recorded_at desc
    limit 1), %(now)s)
on conflict (origin, transaction_hash) do nothing;
