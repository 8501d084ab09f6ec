-- name: orders
-- A page of orders, the newest first; the cursor is the last row of the page before.
select * from bridge.orders o
where (%(origin)s::text is null or origin = %(origin)s)
    and (%(state)s::text is null or state = %(state)s)
    and (%(recipient)s::numeric is null or recipient = %(recipient)s)
    and (%(is_parked)s::boolean is null or is_parked = %(is_parked)s)
    and (%(seen_at)s::timestamptz is null or (
        seen_at <= %(seen_at)s
        and (seen_at < %(seen_at)s or origin > %(after_origin)s
            or (origin = %(after_origin)s and (order_id, generation) < (%(after_id)s::numeric, %(after_generation)s)))))
order by seen_at desc, origin, order_id desc, generation desc
limit %(limit)s;

-- name: generations
-- Every deposit that an origin ever had under an id, the newest first.
select * from bridge.orders where origin = %(origin)s and order_id = %(order_id)s order by generation desc;

-- name: history
-- Every step of one order, the first ones first.
select event, state_left, state, details, correlation_id, happened_at from bridge.order_history
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s
order by id limit %(limit)s;

-- name: errors
-- Every failure of one order, the newest first.
select state, code, message, correlation_id, happened_at from bridge.order_errors
where origin = %(origin)s and order_id = %(order_id)s and generation = %(generation)s
order by id desc limit %(limit)s;

-- name: transfers
-- One order's parts in our transactions, in the order in which they were recorded.
select p.transfer, p.ordinal, p.parts, p.purpose, t.state, t.amount, t.fee, t.block, t.transaction_id, t.recorded_at,
    t.settled_at, (
        select coalesce(sum(r.amount_wei), 0) from bridge.refunds r where r.transfer = p.transfer
    ) as refunded
from bridge.order_transfers p join kernel.treasury_transfers t on t.key = p.transfer
where p.origin = %(origin)s and p.order_id = %(order_id)s and p.generation = %(generation)s
order by t.recorded_at, p.transfer limit %(limit)s;

-- name: exposures
-- What waits for a decision, is promised, or paid and to be repaid, by origin and state.
select origin, state, count(*)::integer as orders, sum(amount_wei) as amount_wei, sum(fee_wei) as fee_wei,
    count(*) filter (where is_parked)::integer as parked, min(moved_at) as oldest_at
from bridge.orders
where state not in ('completed', 'dropped') and not is_lost
group by origin, state
order by origin, state;

-- name: balances
-- What some accounts of the books hold now.
select name, asset, balance from kernel.ledger_accounts where name = any(%(names)s) order by name, asset;

-- name: balances_at
-- What the same accounts held at a moment: the balance after the last posting before it.
select a.name, a.asset, coalesce((
    select p.balance
    from kernel.ledger_postings p join kernel.ledger_transactions t on t.id = p.transaction_id
    where p.account = a.name and p.asset = a.asset and t.posted_at < %(at)s
    order by p.sequence desc
    limit 1), 0) as balance
from kernel.ledger_accounts a
where a.name = any(%(names)s)
order by a.name, a.asset;

-- name: task_keys
-- Under which keys the steps of some orders were asked for: those of the transfers are known otherwise.
select distinct business_key from kernel.tasks
where kind = any(%(kinds)s) and business_key = any(%(keys)s);

-- name: rebalances
-- The newest decisions about where our money should be.
select id, decided_at, inputs, collects, alarms from bridge.rebalances
where %(below)s::bigint is null or id < %(below)s
order by id desc limit %(limit)s;
