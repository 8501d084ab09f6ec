-- name: circuit_for_update
-- Locks one circuit until the transaction ends: whoever decides about it decides alone.
select dependency, state, version, failures, trips, changed_at, due_at
from kernel.breakers
where dependency = %(dependency)s
for update;

-- name: insert_circuit
-- A dependency's first verdict; of two at once one makes the row, the other finds it.
insert into kernel.breakers (dependency)
values (%(dependency)s)
on conflict do nothing;

-- name: present
-- The time that all containers share: now, not that of the transaction's beginning, which may have waited for a lock.
select clock_timestamp() as now;

-- name: update_circuit
-- Carries a ruling out. The version is compared once more: the row is locked, so it must be the one ruled about.
update kernel.breakers
set state = %(state)s, version = %(version)s, failures = %(failures)s, trips = %(trips)s,
    changed_at = %(changed_at)s, due_at = %(due_at)s
where dependency = %(dependency)s and version = %(version)s - 1;

-- name: order_changes
-- Ids of changes must come in commit order; a change is rare, so waiting for another's commit costs nothing.
select pg_advisory_xact_lock(hashtextextended('kernel.breaker_changes', 0));

-- name: insert_change
-- One change, one row: a second row of the same version is refused by the table.
insert into kernel.breaker_changes (dependency, version, from_state, to_state, event, reason, actor, changed_at)
values (%(dependency)s, %(version)s, %(from_state)s, %(to_state)s, %(event)s, %(reason)s, %(actor)s, %(changed_at)s);

-- name: circuits
-- Every dependency that ever had a verdict.
select dependency, state, version, failures, trips, changed_at, due_at
from kernel.breakers
order by dependency;

-- name: changes
-- What changed after a change that the reader knows, oldest first.
select id, dependency, version, from_state, to_state, event, reason, actor, changed_at
from kernel.breaker_changes
where id > %(since)s
order by id
limit %(limit)s;
