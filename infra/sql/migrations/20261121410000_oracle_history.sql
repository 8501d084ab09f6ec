-- migrate:up

-- A table may say which of its days may be dropped: a function (date) returns boolean, asked as the table's owner.
alter table kernel.partitioned_tables
    add column released_by text check (released_by ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$');

-- Drop the daily partitions of a table that end at or before a day; their names. A day that its table does not release
-- stays. Runs as the owner of the table.
create or replace function kernel.drop_day_partitions(parent regclass, before date) returns setof text language plpgsql as $$
declare
    child    record;
    gate     text := (select released_by from kernel.partitioned_tables
                      where table_name = (select n.nspname || '.' || c.relname
                                          from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent));
    released boolean;
begin
    for child in
        select c.oid::regclass::text as name, to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = parent and c.relname ~ '_\d{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < before
        order by c.relname
    loop
        if gate is not null then
            -- Nothing comes into the day between the answer and the drop.
            execute format('lock table %s in access exclusive mode', child.name);
            execute format('select %s($1)', gate) into released using child.day;
            continue when not coalesce(released, false);
        end if;
        execute format('drop table %s', child.name);
        return next child.name;
    end loop;
end
$$;

set local role counterpart_oracle;

-- Which transaction stored a point: with the snapshot of a decision it says whether the decision saw the point. Null in
-- rows that are older than this column.
alter table oracle.prices add column stored_in bigint;
alter table oracle.prices alter column stored_in set default (pg_current_xact_id()::text::bigint);

-- What the decisions of one voting round were made from, so that they can be made again.
create table oracle.decisions (
    voting_round  bigint      primary key,
    reward_epoch  bigint      not null,           -- whose feeds were decided
    decided_at    timestamptz not null,
    snapshot      text        not null,           -- of the statement that read the points, as pg_current_snapshot() writes it
    points        integer     not null check (points >= 0),
    points_digest bytea       not null check (octet_length(points_digest) = 32),
    model_version integer                         -- of the model that could veto sources; null: there was none in force
);

-- Minutes whose candles are not what the points say: written with the points, removed with the candles.
-- Not unique on purpose: whoever finds another's mark must leave one too, because only that one outlives the other's end.
create table oracle.candle_marks (
    id           bigint      generated always as identity primary key,
    symbol       text        not null,
    is_consensus boolean     not null,            -- of what was decided, instead of the points
    minute       timestamptz not null
);
create index candle_marks_symbol on oracle.candle_marks (symbol, is_consensus, minute);

-- Points folded into buckets of 1, 5 and 15 minutes. A series is a source's name, '*' for all sources together,
-- '@consensus' for what was decided.
create table oracle.candles (
    symbol        text        not null,
    series        text        not null,
    width_minutes smallint    not null check (width_minutes in (1, 5, 15)),
    time          timestamptz not null,           -- where the bucket begins
    open          numeric     not null,
    high          numeric     not null,
    low           numeric     not null,
    close         numeric     not null,
    volume        numeric,
    points        integer     not null check (points > 0),
    primary key (symbol, series, width_minutes, time),
    check (low <= open and low <= close and open <= high and close <= high)
) partition by range (time);
create table oracle.candles_default partition of oracle.candles default;

-- The same for buckets of an hour, four hours and a day, too few for days of their own.
create table oracle.wide_candles (
    symbol        text        not null,
    series        text        not null,
    width_minutes smallint    not null check (width_minutes in (60, 240, 1440)),
    time          timestamptz not null,
    open          numeric     not null,
    high          numeric     not null,
    low           numeric     not null,
    close         numeric     not null,
    volume        numeric,
    points        integer     not null check (points > 0),
    primary key (symbol, series, width_minutes, time),
    check (low <= open and low <= close and open <= high and close <= high)
);
create index wide_candles_time on oracle.wide_candles using brin (time);

-- Days of raw points that lie in the bucket, read back and found to be what was stored.
create table oracle.point_exports (
    day           date        primary key,
    generation    integer     not null check (generation >= 1),  -- a day is exported anew when points came to it since
    object_key    text        not null,
    points        bigint      not null check (points >= 0),
    points_digest bytea       not null check (octet_length(points_digest) = 32),
    object_digest bytea       not null check (octet_length(object_digest) = 32),
    size_bytes    bigint      not null check (size_bytes > 0),
    exported_at   timestamptz not null
);

-- Whether every point of a day is in its export. Asked while nobody can write into the day.
create function oracle.may_drop_points(given date) returns boolean language sql stable as $$
    select exists (select from oracle.point_exports where day = given)
        and (select points from oracle.point_exports where day = given)
            = (select count(*) from oracle.prices
               where time >= given::timestamp at time zone 'UTC' and time < (given + 1)::timestamp at time zone 'UTC')
$$;

-- What is there already is folded by the next runs; its days get partitions first.
insert into oracle.candle_marks (symbol, is_consensus, minute)
select distinct symbol, false, date_bin('1 minute', time, 'epoch') from oracle.prices;
insert into oracle.candle_marks (symbol, is_consensus, minute)
select distinct symbol, true, date_bin('1 minute', decided_at, 'epoch') from oracle.aggregates;
do $$
declare
    found date;
begin
    for found in select distinct (minute at time zone 'UTC')::date from oracle.candle_marks loop
        perform kernel.create_day_partition('oracle.candles', found);
    end loop;
end
$$;

reset role;

update kernel.partitioned_tables set released_by = 'oracle.may_drop_points' where table_name = 'oracle.prices';
insert into kernel.partitioned_tables (table_name, keep_days) values ('oracle.candles', 730);

-- migrate:down

delete from kernel.partitioned_tables where table_name = 'oracle.candles';
update kernel.partitioned_tables set released_by = null where table_name = 'oracle.prices';
drop function oracle.may_drop_points;
drop table oracle.point_exports;
drop table oracle.wide_candles;
drop table oracle.candles;
drop table oracle.candle_marks;
drop table oracle.decisions;
alter table oracle.prices drop column stored_in;

create or replace function kernel.drop_day_partitions(parent regclass, before date) returns setof text language plpgsql as $$
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
alter table kernel.partitioned_tables drop column released_by;
