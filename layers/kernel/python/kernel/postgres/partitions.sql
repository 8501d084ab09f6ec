-- name: registered_tables
-- The tables in daily partitions with their owners. Looked up by name in the catalogue, which needs no right on them.
select registered.table_name, registered.keep_days, pg_get_userbyid(class.relowner) as owner
from kernel.partitioned_tables registered
join pg_namespace space on space.nspname = split_part(registered.table_name, '.', 1)
join pg_class class on class.relnamespace = space.oid and class.relname = split_part(registered.table_name, '.', 2)
order by registered.table_name;

-- name: days_in_default
-- Days whose rows the default partition caught.
select kernel.days_in_default(%(table)s::regclass) as day;

-- name: create_day_partition
-- One day's partition; false when it is there already.
select kernel.create_day_partition(%(table)s::regclass, %(day)s) as made;

-- name: drop_day_partitions
-- Days before the first one that is kept, unless their table does not release them.
select kernel.drop_day_partitions(%(table)s::regclass, %(before)s) as name;

-- name: days_before
-- The days of a table that are there and end at or before a day.
select to_date(right(child.relname, 8), 'YYYYMMDD') as day
from pg_inherits inherits
join pg_class child on child.oid = inherits.inhrelid
where inherits.inhparent = %(table)s::regclass and child.relname ~ '_\d{8}$'
    and to_date(right(child.relname, 8), 'YYYYMMDD') < %(before)s
order by 1;
