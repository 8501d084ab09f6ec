-- name: open_tasks
-- Work that is not done, and since when the oldest of it is overdue (leased: since it was due).
select kind, state, count(*) as amount,
    coalesce(greatest(0, extract(epoch from %(now)s - min(run_at))), 0)::float8 as oldest_s
from kernel.tasks
where state in ('ready', 'leased')
group by kind, state
order by kind, state;

-- name: parked_tasks
-- Work that waits for a person, and since when.
select kind, count(*) as amount, greatest(0, extract(epoch from %(now)s - min(finished_at)))::float8 as oldest_s
from kernel.tasks
where state = 'parked'
group by kind
order by kind;

-- name: ended_tasks
-- Work that ended a moment ago, and how.
select kind, state, count(*) as amount
from kernel.tasks
where state in ('done', 'skipped', 'dropped') and finished_at > %(now)s - make_interval(secs => %(recent_s)s)
group by kind, state
order by kind, state;

-- name: dead_letters
-- Messages that were given up and that nobody replayed, by what they say of their task.
select verdict, count(*) as amount, greatest(0, extract(epoch from %(now)s - min(received_at)))::float8 as oldest_s
from kernel.dead_letters
where replayed_at is null
group by verdict
order by verdict;

-- name: outbox
-- Obligations that are not final, and how old the oldest is.
select chain, service, state, count(*) as amount,
    greatest(0, extract(epoch from %(now)s - min(recorded_at)))::float8 as oldest_s
from (
    select 'evm:' || chain_id as chain, service, state, recorded_at from kernel.evm_outbox where settled_at is null
    union all
    select 'solana:' || cluster, service, state, recorded_at from kernel.solana_outbox where settled_at is null
) entry
group by chain, service, state
order by chain, service, state;

-- name: alarms
-- What needs a person, under the names that the log gives the same alarms.
select alarm, count(*) as amount
from (
    select 'outbox.' || alarm as alarm from kernel.evm_outbox where alarm is not null
    union all
    select 'outbox.' || alarm from kernel.solana_outbox where alarm is not null
    union all
    select 'cursor.' || alarm from kernel.evm_cursors where alarm is not null
    union all
    select 'cursor.' || alarm from kernel.solana_cursors where alarm is not null
    union all
    select unnest(alarms) from kernel.treasury_wallets
    union all
    select 'webhooks.disabled' from kernel.webhook_endpoints where disabled_by = 'service:ops'  -- and by no person
    union all
    select alarm from kernel.service_alarms
) raised
group by alarm
order by alarm;

-- name: services
-- Each service that was ever halted, and whether it is.
select distinct on (service) service, halted
from kernel.service_switches
order by service, version desc;

-- name: webhook_endpoints
-- Receivers by how they stand; failing are those that took nothing since a failure.
select case when state = 'enabled' and failures > 0 then 'failing' else state end as state, count(*) as amount
from kernel.webhook_endpoints
group by 1
order by 1;

-- name: webhook_deliveries
-- Webhooks that are on their way, and how old the oldest is.
select count(*) as amount, coalesce(greatest(0, extract(epoch from %(now)s - min(began_at))), 0)::float8 as oldest_s
from kernel.webhook_deliveries
where state = 'pending';

-- name: offload
-- Computations that have not ended, and how old the oldest is.
select service, state, count(*) as amount,
    greatest(0, extract(epoch from %(now)s - min(recorded_at)))::float8 as oldest_s
from kernel.offload_jobs
where ended_at is null
group by service, state
order by service, state;

-- name: pins
-- Contents that lack copies, and how old the oldest is.
select state, count(*) as amount, greatest(0, extract(epoch from %(now)s - min(created_at)))::float8 as oldest_s
from kernel.pins
where wanted > cardinality(confirmed)
group by state
order by state;

-- name: prices
-- How many feeds have a price, and how old the oldest and the newest of them are.
select count(*) as amount, coalesce(max(age_ms), 0)::float8 / 1000 as oldest_s,
    coalesce(min(age_ms), 0)::float8 / 1000 as newest_s
from kernel.prices;

-- name: service_gauges
-- What services tell of themselves beside that: one value of one gauge, and what tells it from the others.
select service, gauge, labels, value
from kernel.service_gauges
order by service, gauge, labels;

-- name: work
-- What services have to do and is not over, by a part and a state of theirs, and since when the oldest has not moved.
select service, part, state, amount, oldest_s
from kernel.service_work
order by service, part, state;
