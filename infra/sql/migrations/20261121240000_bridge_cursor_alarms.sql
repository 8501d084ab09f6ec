-- migrate:up

-- The cursors of escrows on Starknet are alarmed as those of other chains are.
create or replace view kernel.service_alarms as
select unnest(alarms) as alarm from (select alarms from bridge.rebalances order by id desc limit 1) newest
union all
select 'bridge.parked' from bridge.orders where is_parked
union all
select 'bridge.lost' from bridge.orders where is_lost
union all
select 'cursor.' || alarm from bridge.starknet_cursors where alarm is not null;

-- migrate:down

create or replace view kernel.service_alarms as
select unnest(alarms) as alarm from (select alarms from bridge.rebalances order by id desc limit 1) newest
union all
select 'bridge.parked' from bridge.orders where is_parked
union all
select 'bridge.lost' from bridge.orders where is_lost;
