-- name: next_place
-- Where the awards of a contest go on.
select next_place from contests.awards where contest_id = %(contest)s;

-- name: placed
-- Who ended where, from a place on.
select place, wallet from contests.contest_results
where contest_id = %(contest)s and place >= %(first)s
order by place
limit %(limit)s;

-- name: outcomes
-- Of each of some wallets: its evaluated contests in the order in which they ended, and what it has made in them.
select result.wallet,
    array_agg(result.place = 1 order by contest.ends_at, contest.id) as wins,
    sum(result.profit_micros)::numeric(40, 0) as profit_micros,
    sum(portfolio.volume_micros)::numeric(40, 0) as volume_micros
from contests.contest_results result
join contests.contests contest on contest.id = result.contest_id
join contests.portfolios portfolio on portfolio.contest_id = result.contest_id and portfolio.wallet = result.wallet
where result.wallet = any(%(wallets)s::text[])
group by result.wallet;

-- name: traded
-- How many tokens each of some wallets has ever traded, in contests that were evaluated.
select result.wallet, count(distinct trade.mint)::integer as tokens
from contests.contest_results result
join contests.trades trade on trade.contest_id = result.contest_id and trade.wallet = result.wallet
where result.wallet = any(%(wallets)s::text[])
group by result.wallet;

-- name: go_on
-- The next place to award.
insert into contests.awards (contest_id, next_place, moved_at) values (%(contest)s, %(next)s, %(now)s)
on conflict (contest_id) do update set next_place = excluded.next_place, moved_at = excluded.moved_at;
