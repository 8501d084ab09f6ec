-- name: newest_values
-- The value in force of every tunable that was ever changed.
select distinct on (name) name, version, value
from kernel.tunables
order by name, version desc;

-- name: newest_value
-- The value in force of one tunable.
select version, value
from kernel.tunables
where name = %(name)s
order by version desc
limit 1;

-- name: insert_version
-- A new value, next to all the old ones. Two changes at once cannot have the same version: one of them gets no row.
insert into kernel.tunables (name, version, value, old_value, changed_by, changed_at, reason)
values (%(name)s, %(version)s, %(value)s, %(old_value)s, %(changed_by)s, %(changed_at)s, %(reason)s)
on conflict do nothing;

-- name: history
-- The changes of one tunable, newest first.
select name, version, value, old_value, changed_by, changed_at, reason
from kernel.tunables
where name = %(name)s
order by version desc
limit %(limit)s;
