-- name: add_portfolio
-- What an entrant will play with.
insert into contests.portfolios (contest_id, wallet, weights_bps, moved_at)
values (%(contest)s, %(wallet)s, %(weights_bps)s, %(now)s);

-- name: weigh
-- Other weights, as long as nothing is bought.
update contests.portfolios set weights_bps = %(weights_bps)s, moved_at = %(now)s
where contest_id = %(contest)s and wallet = %(wallet)s and cash_micros is null
returning *;

-- name: portfolio
-- One portfolio.
select * from contests.portfolios where contest_id = %(contest)s and wallet = %(wallet)s;

-- name: lock_portfolio
-- One portfolio, held until the commit: its trades go one after the other.
select * from contests.portfolios where contest_id = %(contest)s and wallet = %(wallet)s for update;

-- name: portfolios
-- All portfolios of a contest in the order of the entries' numbers.
select p.* from contests.portfolios p join contests.entries e using (contest_id, wallet)
where contest_id = %(contest)s
order by e.number;

-- name: open_portfolios
-- What the stake has bought, for all of a contest in one statement; only what was not opened before.
update contests.portfolios p
set cash_micros = bought.cash_micros, positions = bought.positions, moved_at = %(now)s
from jsonb_to_recordset(%(bought)s) as bought (wallet text, cash_micros bigint, positions jsonb)
where p.contest_id = %(contest)s and p.wallet = bought.wallet and p.cash_micros is null;

-- name: store_portfolio
-- A portfolio after a trade.
update contests.portfolios
set cash_micros = %(cash_micros)s, positions = %(positions)s, sales = %(sales)s,
    profitable_trades = %(profitable_trades)s, profit_micros = %(profit_micros)s,
    biggest_win_micros = %(biggest_win_micros)s, first_profit_at = %(first_profit_at)s,
    trades = trades + 1, volume_micros = volume_micros + %(money_micros)s, moved_at = %(now)s
where contest_id = %(contest)s and wallet = %(wallet)s;

-- name: add_trade
-- A trade that was made.
insert into contests.trades (contest_id, wallet, request_key, side, mint, quantity, decimals, price_micros,
                             money_micros, profit_micros, priced_at, traded_at)
values (%(contest)s, %(wallet)s, %(request_key)s, %(side)s, %(mint)s, %(quantity)s, %(decimals)s, %(price_micros)s,
        %(money_micros)s, %(profit_micros)s, %(priced_at)s, %(now)s)
returning *;

-- name: trade_of_request
-- What a request has made before.
select * from contests.trades
where contest_id = %(contest)s and wallet = %(wallet)s and request_key = %(request_key)s;

-- name: trades_of
-- An entrant's trades, the newest first, below one of them.
select * from contests.trades
where contest_id = %(contest)s and wallet = %(wallet)s and id < %(below)s
order by id desc
limit %(limit)s;

-- name: trades_up_to
-- All trades of a contest up to one of them, in the order in which they were made.
select * from contests.trades where contest_id = %(contest)s and id <= %(last_trade)s order by id;

-- name: last_trade
-- The newest trade of a contest; 0 for none.
select coalesce(max(id), 0) as id from contests.trades where contest_id = %(contest)s;

-- name: newest_trades_of
-- Of each token its newest trade in a contest after one of them.
select last.*
from unnest(%(mints)s::text[], %(since)s::bigint[]) asked (mint, since)
cross join lateral (
    select * from contests.trades
    where contest_id = %(contest)s and id > asked.since and mint = asked.mint
    order by id desc
    limit 1
) last;

-- name: mints_played
-- Every token that a contest's portfolios hold, or will buy.
select distinct mint from contests.portfolios p,
    lateral jsonb_object_keys(case when p.cash_micros is null then p.weights_bps else p.positions end) as held (mint)
where p.contest_id = %(contest)s
order by mint;
