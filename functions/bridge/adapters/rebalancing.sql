-- name: alone
-- One decision at a time: the next one sees what this one has sent.
select pg_advisory_xact_lock(hashtextextended('bridge.rebalances', 0));

-- name: collections
-- How many collections a wallet ever had, and how many are under way.
select count(*)::integer as ever, (count(*) filter (where state = 'open'))::integer as under_way
from kernel.treasury_transfers
where chain = %(chain)s and sender = %(address)s and starts_with(key, %(prefix)s);

-- name: newest_rebalance
-- The decision before this one.
select collects, alarms from bridge.rebalances order by id desc limit 1;

-- name: add_rebalance
-- A decision that is not that of the one before.
insert into bridge.rebalances (decided_at, inputs, collects, alarms)
values (%(now)s, %(inputs)s, %(collects)s, %(alarms)s);

-- name: needing_people
-- Orders that wait for a person, and orders whose deposit is lost.
select count(*) filter (where is_parked)::integer as parked, count(*) filter (where is_lost)::integer as lost
from bridge.orders where is_parked or is_lost;
