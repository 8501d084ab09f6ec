-- name: lock_folding
-- Whether nobody else folds: two who write the same wide bucket from what each of them can see would lose a part of it.
select pg_try_advisory_xact_lock(hashtextextended('oracle.candles', 0)) as held;

-- name: take_marks
-- Marked minutes, the oldest marks first. Read before the points are: a mark that is seen here has its points committed.
with taken as (
    delete from oracle.candle_marks
    where id in (select id from oracle.candle_marks where minute < %(before)s order by id limit %(limit)s)
    returning symbol, is_consensus, minute
)
select distinct symbol, is_consensus, minute from taken;

-- name: marked_minutes
-- Minutes of one symbol whose candles are not what the points say.
select distinct minute
from oracle.candle_marks
where symbol = %(symbol)s and is_consensus = %(is_consensus)s and minute >= %(start)s and minute < %(stop)s;

-- name: fold_points
-- Minutes of points folded, of each source and of all together. The first and last bound are there for the planner,
-- which then looks at the partitions of those days only.
insert into oracle.candles (symbol, series, width_minutes, time, open, high, low, close, volume, points)
select marked.symbol, case when grouping(point.source) = 1 then '*' else point.source end, 1, marked.minute,
    (array_agg(point.price order by point.time, point.source collate "C"))[1],
    max(point.price),
    min(point.price),
    (array_agg(point.price order by point.time desc, point.source collate "C" desc))[1],
    sum(point.volume),
    count(*)
from unnest(%(symbols)s::text[], %(minutes)s::timestamptz[]) as marked (symbol, minute)
join oracle.prices point
    on point.symbol = marked.symbol and point.time >= marked.minute and point.time < marked.minute + interval '1 minute'
where point.time >= %(first)s and point.time < %(last)s
group by grouping sets ((marked.symbol, marked.minute, point.source), (marked.symbol, marked.minute))
on conflict (symbol, series, width_minutes, time) do update
set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, points = excluded.points
returning symbol, series, time;

-- name: fold_decisions
-- Minutes of what was decided. A float becomes the shortest decimal that means the same.
insert into oracle.candles (symbol, series, width_minutes, time, open, high, low, close, volume, points)
select marked.symbol, '@consensus', 1, marked.minute,
    (array_agg(consensus::text::numeric order by decided_at, voting_round))[1],
    max(consensus)::text::numeric,
    min(consensus)::text::numeric,
    (array_agg(consensus::text::numeric order by decided_at desc, voting_round desc))[1],
    null,
    count(*)
from unnest(%(symbols)s::text[], %(minutes)s::timestamptz[]) as marked (symbol, minute)
join oracle.aggregates decided
    on decided.symbol = marked.symbol and decided.decided_at >= marked.minute
    and decided.decided_at < marked.minute + interval '1 minute'
group by marked.symbol, marked.minute
on conflict (symbol, series, width_minutes, time) do update
set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, points = excluded.points
returning symbol, series, time;

-- name: fold_narrow
-- Buckets of 5 or 15 minutes from the next finer ones.
insert into oracle.candles (symbol, series, width_minutes, time, open, high, low, close, volume, points)
select bucket.symbol, bucket.series, %(width)s, bucket.time,
    (array_agg(finer.open order by finer.time))[1],
    max(finer.high),
    min(finer.low),
    (array_agg(finer.close order by finer.time desc))[1],
    sum(finer.volume),
    sum(finer.points)::integer
from unnest(%(symbols)s::text[], %(series)s::text[], %(times)s::timestamptz[]) as bucket (symbol, series, time)
join oracle.candles finer
    on finer.symbol = bucket.symbol and finer.series = bucket.series and finer.width_minutes = %(finer)s
    and finer.time >= bucket.time and finer.time < bucket.time + make_interval(mins => %(width)s)
where finer.time >= %(first)s and finer.time < %(last)s
group by bucket.symbol, bucket.series, bucket.time
on conflict (symbol, series, width_minutes, time) do update
set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, points = excluded.points;

-- name: fold_hours
-- Buckets of an hour from those of 15 minutes.
insert into oracle.wide_candles (symbol, series, width_minutes, time, open, high, low, close, volume, points)
select bucket.symbol, bucket.series, %(width)s, bucket.time,
    (array_agg(finer.open order by finer.time))[1],
    max(finer.high),
    min(finer.low),
    (array_agg(finer.close order by finer.time desc))[1],
    sum(finer.volume),
    sum(finer.points)::integer
from unnest(%(symbols)s::text[], %(series)s::text[], %(times)s::timestamptz[]) as bucket (symbol, series, time)
join oracle.candles finer
    on finer.symbol = bucket.symbol and finer.series = bucket.series and finer.width_minutes = %(finer)s
    and finer.time >= bucket.time and finer.time < bucket.time + make_interval(mins => %(width)s)
where finer.time >= %(first)s and finer.time < %(last)s
group by bucket.symbol, bucket.series, bucket.time
on conflict (symbol, series, width_minutes, time) do update
set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, points = excluded.points;

-- name: fold_wide
-- Buckets of four hours or a day from the next finer ones.
insert into oracle.wide_candles (symbol, series, width_minutes, time, open, high, low, close, volume, points)
select bucket.symbol, bucket.series, %(width)s, bucket.time,
    (array_agg(finer.open order by finer.time))[1],
    max(finer.high),
    min(finer.low),
    (array_agg(finer.close order by finer.time desc))[1],
    sum(finer.volume),
    sum(finer.points)::integer
from unnest(%(symbols)s::text[], %(series)s::text[], %(times)s::timestamptz[]) as bucket (symbol, series, time)
join oracle.wide_candles finer
    on finer.symbol = bucket.symbol and finer.series = bucket.series and finer.width_minutes = %(finer)s
    and finer.time >= bucket.time and finer.time < bucket.time + make_interval(mins => %(width)s)
where finer.time >= %(first)s and finer.time < %(last)s
group by bucket.symbol, bucket.series, bucket.time
on conflict (symbol, series, width_minutes, time) do update
set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, points = excluded.points;

-- name: narrow_buckets
-- Stored buckets of a series within some spans.
select stored.time, open, high, low, close, volume, points
from unnest(%(starts)s::timestamptz[], %(stops)s::timestamptz[]) as span (start, stop)
join oracle.candles stored on stored.time >= span.start and stored.time < span.stop
where symbol = %(symbol)s and series = %(series)s and width_minutes = %(width)s
    and stored.time >= %(first)s and stored.time < %(last)s;

-- name: wide_buckets
-- The same of an hour and more.
select stored.time, open, high, low, close, volume, points
from unnest(%(starts)s::timestamptz[], %(stops)s::timestamptz[]) as span (start, stop)
join oracle.wide_candles stored on stored.time >= span.start and stored.time < span.stop
where symbol = %(symbol)s and series = %(series)s and width_minutes = %(width)s
    and stored.time >= %(first)s and stored.time < %(last)s;

-- name: minutes_of_points
-- Minutes folded on the way, of one source or of all together, within some spans.
select date_bin('1 minute', point.time, 'epoch') as time,
    (array_agg(price order by point.time, source collate "C"))[1] as open,
    max(price) as high,
    min(price) as low,
    (array_agg(price order by point.time desc, source collate "C" desc))[1] as close,
    sum(volume) as volume,
    count(*) as points
from unnest(%(starts)s::timestamptz[], %(stops)s::timestamptz[]) as span (start, stop)
join oracle.prices point on point.time >= span.start and point.time < span.stop
where symbol = %(symbol)s and (%(source)s::text is null or source = %(source)s)
    and point.time >= %(first)s and point.time < %(last)s
group by 1;

-- name: minutes_of_decisions
-- The same of what was decided.
select date_bin('1 minute', decided_at, 'epoch') as time,
    (array_agg(consensus::text::numeric order by decided_at, voting_round))[1] as open,
    max(consensus)::text::numeric as high,
    min(consensus)::text::numeric as low,
    (array_agg(consensus::text::numeric order by decided_at desc, voting_round desc))[1] as close,
    null::numeric as volume,
    count(*) as points
from unnest(%(starts)s::timestamptz[], %(stops)s::timestamptz[]) as span (start, stop)
join oracle.aggregates on decided_at >= span.start and decided_at < span.stop
where symbol = %(symbol)s
group by 1;

-- name: remove_wide_buckets
-- Buckets of an hour and more that are older than what is kept; narrower ones go with their days.
delete from oracle.wide_candles
where ctid in (select ctid from oracle.wide_candles where time < %(before)s limit %(limit)s);
