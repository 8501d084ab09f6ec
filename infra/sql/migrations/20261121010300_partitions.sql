-- migrate:up

-- Tables in daily partitions: ops/cron_partitions makes days ahead and drops the days that are no longer kept.
create table kernel.partitioned_tables (
    table_name text    primary key check (table_name ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    keep_days  integer not null check (keep_days between 1 and 3650)
);
grant select on kernel.partitioned_tables to counterpart_slice;

-- Make one day's partition of a table partitioned by a timestamptz; rows of that day which the default partition caught
-- move into it. True when it was made, false when it was there. Runs as the owner of the table.
create function kernel.create_day_partition(parent regclass, day date) returns boolean language plpgsql as $$
declare
    space   text := (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent);
    stem    text := (select relname from pg_class where oid = parent);
    caught  regclass := (select partdefid from pg_partitioned_table where partrelid = parent and partdefid <> 0);
    clock   text := (select a.attname from pg_partitioned_table p
                     join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = parent);
    child   text := format('%s_%s', stem, to_char(day, 'YYYYMMDD'));
    opens   timestamptz := day::timestamp at time zone 'UTC';
    closes  timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
    -- Two makers of the same partition wait for each other; the lock ends with the transaction.
    perform pg_advisory_xact_lock(hashtextextended(format('%s.%s', space, child), 0));
    if to_regclass(format('%I.%I', space, child)) is not null then
        return false;
    end if;
    execute format('create table %I.%I (like %s including defaults including constraints)', space, child, parent);
    if caught is not null then
        execute format('lock table %s in access exclusive mode', caught);
        execute format('with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %I.%I select * from moved',
                       caught, clock, opens, clock, closes, space, child);
    end if;
    execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)', parent, space, child, opens, closes);
    return true;
end
$$;

-- The days whose rows the default partition of a table caught, because no partition was there when they came.
create function kernel.days_in_default(parent regclass) returns setof date language plpgsql as $$
declare
    caught regclass := (select partdefid from pg_partitioned_table where partrelid = parent and partdefid <> 0);
    clock  text := (select a.attname from pg_partitioned_table p
                    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = parent);
begin
    if caught is not null then
        return query execute format('select distinct (%I at time zone ''UTC'')::date from %s order by 1', clock, caught);
    end if;
end
$$;

-- Drop the daily partitions of a table that end at or before a day; their names. Runs as the owner of the table.
create function kernel.drop_day_partitions(parent regclass, before date) returns setof text language plpgsql as $$
declare
    child record;
begin
    for child in
        select c.oid::regclass::text as name
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = parent and c.relname ~ '_\d{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < before
        order by c.relname
    loop
        execute format('drop table %s', child.name);
        return next child.name;
    end loop;
end
$$;

-- migrate:down

drop function kernel.drop_day_partitions;
drop function kernel.days_in_default;
drop function kernel.create_day_partition;
drop table kernel.partitioned_tables;
