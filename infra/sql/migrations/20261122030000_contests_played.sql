-- migrate:up

set local role counterpart_contests;
-- What was traded lately is asked for at every look at the market.
create index trades_time on contests.trades using brin (traded_at);
reset role;

-- migrate:down

drop index contests.trades_time;
