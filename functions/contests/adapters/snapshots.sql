-- name: add_snapshot
-- What a contest's portfolios were worth, or why nobody can tell; each once.
insert into contests.snapshots (contest_id, number, due_at, taken_at, priced_at, prices, last_trade, values_micros,
                                in_profit, reason)
values (%(contest)s, %(number)s, %(due_at)s, %(now)s, %(priced_at)s, %(prices)s, %(last_trade)s, %(values_micros)s,
        %(in_profit)s, %(reason)s)
on conflict do nothing;

-- name: count_snapshot
-- The number of the contest's next snapshot.
update contests.contests set snapshots = greatest(snapshots, %(number)s + 1), moved_at = %(now)s where id = %(contest)s;

-- name: newest_valued
-- The newest snapshot that has values, before a number.
select * from contests.snapshots
where contest_id = %(contest)s and number < %(below)s and reason is null
order by number desc
limit 1;

-- name: snapshot
-- One snapshot.
select * from contests.snapshots where contest_id = %(contest)s and number = %(number)s;

-- name: newest_prices
-- Of each token the price in the newest snapshot of a contest that has one, and up to which trade that counts.
select asked.mint, last.number, last.last_trade, last.price
from unnest(%(mints)s::text[]) asked (mint)
cross join lateral (
    select number, last_trade, prices -> asked.mint as price
    from contests.snapshots
    where contest_id = %(contest)s and reason is null and prices ? asked.mint
    order by number desc
    limit 1
) last;

-- name: contests_running
-- Contests whose portfolios are valued every 15 seconds.
select * from contests.contests where state = 'active' order by starts_at, id;
