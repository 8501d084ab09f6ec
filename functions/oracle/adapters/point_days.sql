-- name: days_to_export
-- Days of raw points that are due: those without an export, and those close to their end whose export lacks points.
-- A day that is exported is counted only then.
select days.day, coalesce(exported.generation, 0) + 1 as generation
from (
    select to_date(right(child.relname, 8), 'YYYYMMDD') as day
    from pg_inherits inherits join pg_class child on child.oid = inherits.inhrelid
    where inherits.inhparent = 'oracle.prices'::regclass and child.relname ~ '_\d{8}$'
) days
left join oracle.point_exports exported using (day)
where days.day < %(due_before)s
    and case
        when exported.day is null then true
        when days.day < %(recounted_before)s then not oracle.may_drop_points(days.day)
        else false
    end
order by days.day;

-- name: page_of_points
-- The points of a stretch of time, in the order of the file.
select symbol, source, time, price, volume, worker_id, ingested_at, stored_in
from oracle.prices
where time >= %(start)s and time < %(stop)s
order by time, symbol collate "C", source collate "C";

-- name: record_export
-- A day's file that was found to be good; an earlier generation never replaces a later one.
insert into oracle.point_exports
    (day, generation, object_key, points, points_digest, object_digest, size_bytes, exported_at)
values (%(day)s, %(generation)s, %(object_key)s, %(points)s, %(points_digest)s, %(object_digest)s, %(size_bytes)s,
    %(exported_at)s)
on conflict (day) do update
set generation = excluded.generation, object_key = excluded.object_key, points = excluded.points,
    points_digest = excluded.points_digest, object_digest = excluded.object_digest,
    size_bytes = excluded.size_bytes, exported_at = excluded.exported_at
where oracle.point_exports.generation < excluded.generation;

-- name: is_whole
-- Whether the recorded export of a day has all of its points.
select oracle.may_drop_points(%(day)s) as whole;

-- name: exported_day
-- Where a day's points lie.
select day, generation, object_key, points, points_digest, object_digest, size_bytes
from oracle.point_exports
where day = %(day)s;
