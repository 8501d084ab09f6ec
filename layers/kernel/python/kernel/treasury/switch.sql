-- name: is_service
-- Whether a slice of this name has a role: the roles of all slices are members of counterpart_slice.
select exists (
    select from pg_auth_members m
    where m.roleid = 'counterpart_slice'::regrole and m.member = to_regrole('counterpart_' || %(service)s)
) as known;

-- name: lock_switch
-- Alone with a service's switch until the commit: waits for every transaction that owes something, and holds up others.
select pg_advisory_xact_lock(hashtextextended('kernel.service_switches/' || %(service)s, 0));

-- name: require_switch
-- How the service stands; no halt returns before this transaction ends.
select * from kernel.require_switch(%(service)s);

-- name: newest
-- How the service stands, without a lock.
select * from kernel.service_switches where service = %(service)s order by version desc limit 1;

-- name: turn
-- A halt or a resumption, next to all earlier ones.
insert into kernel.service_switches (service, version, halted, actor, reason, changed_at)
values (%(service)s, %(version)s, %(halted)s, %(actor)s, %(reason)s, %(now)s)
returning *;

-- name: history
-- Every halt and resumption of a service, newest first.
select * from kernel.service_switches where service = %(service)s order by version desc limit %(limit)s;

-- name: halted
-- The halts in force.
select newest.* from (
    select distinct on (service) * from kernel.service_switches order by service, version desc
) newest
where newest.halted;
