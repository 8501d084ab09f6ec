-- migrate:up

set local role counterpart_contests_market;
-- Whole dollars in the markets that made the price, as the source said; null where it did not.
alter table contests.market_data add column liquidity_usd bigint check (liquidity_usd >= 0);
reset role;

-- migrate:down

alter table contests.market_data drop column liquidity_usd;
