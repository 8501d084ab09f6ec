-- name: add_evaluation
-- What a contest's pool came to, and by which prices.
insert into contests.evaluations (contest_id, priced_at, prices, last_trade, pool_lamports, rake_lamports,
                                  dust_lamports, evaluated_at)
values (%(contest)s, %(priced_at)s, %(prices)s, %(last_trade)s, %(pool_lamports)s, %(rake_lamports)s,
        %(dust_lamports)s, %(now)s);

-- name: add_results
-- Everybody's place and prize, in one statement.
insert into contests.contest_results (contest_id, place, wallet, balance_micros, win_rate_ppm, profitable_trades,
                                      average_profit_micros, biggest_win_micros, time_in_profit_s, first_profit_at,
                                      profit_micros, payout_lamports)
select %(contest)s, place, wallet, balance_micros, win_rate_ppm, profitable_trades, average_profit_micros,
       biggest_win_micros, time_in_profit_s, first_profit_at, profit_micros, payout_lamports
from jsonb_to_recordset(%(results)s) as result (
    place integer, wallet text, balance_micros bigint, win_rate_ppm integer, profitable_trades integer,
    average_profit_micros bigint, biggest_win_micros bigint, time_in_profit_s integer, first_profit_at timestamptz,
    profit_micros bigint, payout_lamports bigint);

-- name: evaluation
-- What a contest's pool came to.
select * from contests.evaluations where contest_id = %(contest)s;

-- name: results
-- A contest's final standings behind a place, best first.
select * from contests.contest_results
where contest_id = %(contest)s and place > %(behind)s
order by place
limit %(limit)s;
