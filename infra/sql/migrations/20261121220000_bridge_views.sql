-- migrate:up

set local role counterpart_bridge;
-- What was decided about where the bridge's money should be, with what it was decided from; a row whenever it is not
-- what the decision before was.
create table bridge.rebalances (
    id         bigint      generated always as identity primary key,
    decided_at timestamptz not null,
    inputs     jsonb       not null,
    collects   jsonb       not null,  -- [{network, recipient, amount_wei, key}], each a transfer of the treasury
    alarms     text[]      not null
);
-- Anybody may ask for a recipient's orders, also for one who has none.
create index orders_recipient on bridge.orders (recipient, seen_at desc);
create index orders_parked on bridge.orders (origin) where is_parked;
create index orders_lost on bridge.orders (origin) where is_lost;
reset role;

-- What services have to do and what needs a person, as /metrics shows it: no way leads from here to a single order.
create view kernel.service_work as
select 'bridge' as service, origin as part, state, count(*) as amount,
    greatest(0, extract(epoch from statement_timestamp() - min(moved_at)))::float8 as oldest_s
from bridge.orders
where state not in ('completed', 'dropped')
group by origin, state;

create view kernel.service_alarms as
select unnest(alarms) as alarm from (select alarms from bridge.rebalances order by id desc limit 1) newest
union all
select 'bridge.parked' from bridge.orders where is_parked
union all
select 'bridge.lost' from bridge.orders where is_lost;

grant select on kernel.service_work, kernel.service_alarms to counterpart_ops;

-- A slice's own thresholds are tuned through its own API; nobody but ops touches another's.
grant insert on kernel.tunables to counterpart_bridge;
alter table kernel.tunables enable row level security;
create policy tunables_read on kernel.tunables for select using (true);
create policy tunables_of_all on kernel.tunables for insert to counterpart_ops with check (true);
create policy tunables_of_the_bridge on kernel.tunables for insert to counterpart_bridge with check (name like 'bridge.%');

-- migrate:down

drop policy tunables_of_the_bridge on kernel.tunables;
drop policy tunables_of_all on kernel.tunables;
drop policy tunables_read on kernel.tunables;
alter table kernel.tunables disable row level security;
revoke insert on kernel.tunables from counterpart_bridge;
drop view kernel.service_alarms;
drop view kernel.service_work;
drop index bridge.orders_lost;
drop index bridge.orders_parked;
drop index bridge.orders_recipient;
drop table bridge.rebalances;
