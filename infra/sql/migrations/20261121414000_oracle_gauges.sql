-- migrate:up

-- What /metrics may see of services beside what every service has: one value of one gauge. The time is the database's.
create view kernel.service_gauges as
select 'oracle' as service, 'price_age_seconds' as gauge, jsonb_build_object('symbol', symbol) as labels,
    age_ms::float8 / 1000 as value
from kernel.prices
union all
select 'oracle', 'price_sources', jsonb_build_object('symbol', symbol), sources::float8
from kernel.prices
union all
select 'oracle', 'price_width_bps', jsonb_build_object('symbol', symbol), (confidence * 10000 / price)::float8
from kernel.prices
where price > 0
union all
-- Our rounds of the last hour, by how far each came.
select 'oracle', 'rounds_1h', jsonb_build_object('phase', phases.phase), count(step.phase)::float8
from (values ('commit'), ('reveal'), ('sign'), ('finalise')) phases (phase)
left join (
    select phase
    from (select * from oracle.submissions order by voting_round desc limit 3600) newest
    cross join lateral (values ('commit', committed_at), ('reveal', revealed_at), ('sign', signed_at),
        ('finalise', finalised_at)) steps (phase, taken_at)
    where committed_at > statement_timestamp() - interval '1 hour' and taken_at is not null
) step on step.phase = phases.phase
group by phases.phase
union all
-- Phases that nobody did in their window.
select 'oracle', 'rounds_missed_1h', jsonb_build_object('phase', phase), count(task.kind)::float8
from (values ('commit'), ('reveal'), ('sign'), ('finalise')) phases (phase)
left join (
    select kind from kernel.tasks
    where state in ('skipped', 'dropped') and finished_at > statement_timestamp() - interval '1 hour'
    union all
    select kind from kernel.tasks where state = 'parked' and finished_at > statement_timestamp() - interval '1 hour'
) task on task.kind = 'oracle.' || phase
group by phase
union all
select 'oracle', 'commit_age_seconds', '{}', extract(epoch from statement_timestamp() - max(committed_at))::float8
from (select committed_at from oracle.submissions order by voting_round desc limit 1) newest
having count(*) > 0
union all
-- Each venue at its newest collection of the last hour.
select 'oracle', 'venue_up', jsonb_build_object('venue', venue), (outcome = 'ok')::integer::float8
from (
    select distinct on (venue) venue, outcome
    from oracle.venue_reports
    where collected_at > statement_timestamp() - interval '1 hour'
    order by venue, collected_at desc
) newest
union all
select 'oracle', 'venue_answered_share_1h', jsonb_build_object('venue', venue), avg((outcome = 'ok')::integer)::float8
from oracle.venue_reports
where collected_at > statement_timestamp() - interval '1 hour'
group by venue
union all
-- What we did wrong, as the chain shows it, in the rounds of about a day.
select 'oracle', 'faults_1d', jsonb_build_object('fault', fault), count(*)::float8
from oracle.faults
where is_ours and voting_round > (select max(voting_round) - 960 from oracle.observed_rounds)
group by fault;

grant select on kernel.service_gauges to counterpart_ops;

-- migrate:down

drop view kernel.service_gauges;
