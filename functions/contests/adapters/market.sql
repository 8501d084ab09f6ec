-- name: store_prices
-- Add prices, each once. `is_newest`: nothing newer of the token was there before this statement.
insert into contests.market_data (mint, observed_at, source, price, width_bps, block, liquidity_usd, is_confirmed,
                                   ingested_at)
select mint, observed_at, source, price, width_bps, block, liquidity_usd, is_confirmed, %(now)s
from unnest(%(mints)s::text[], %(times)s::timestamptz[], %(sources)s::text[], %(prices)s::numeric[],
            %(widths)s::integer[], %(blocks)s::bigint[], %(liquidities)s::bigint[], %(confirmed)s::boolean[])
    told (mint, observed_at, source, price, width_bps, block, liquidity_usd, is_confirmed)
on conflict do nothing
returning mint, observed_at, source, price, width_bps, block, liquidity_usd,
    not exists (select from contests.market_data newer
                where newer.mint = market_data.mint and newer.observed_at > market_data.observed_at) as is_newest;

-- name: readings_before
-- Of each of these readings, in their order, the last before it that values, and the last; of what we asked for, and
-- with enough behind it.
select believed.price as believed, before.price as before
from unnest(%(mints)s::text[], %(times)s::timestamptz[]) with ordinality told (mint, observed_at, place)
left join lateral (
    select price, observed_at
    from contests.market_data
    where mint = told.mint and observed_at < told.observed_at and observed_at > %(oldest)s
        and observed_at < %(newest)s and strpos(source, %(mark)s) = 0 and coalesce(liquidity_usd, 0) >= %(floor)s
    order by observed_at desc, source
    limit 1
) before on true
left join lateral (
    select price
    from contests.market_data
    where mint = told.mint and observed_at <= before.observed_at and observed_at > %(oldest)s and observed_at < %(newest)s
        and strpos(source, %(mark)s) = 0 and coalesce(liquidity_usd, 0) >= %(floor)s and is_confirmed
    order by observed_at desc, source
    limit 1
) believed on true
order by told.place;

-- name: prices_at
-- The newest price of each token up to a moment, with what says whether it counts. A row for every mint that is asked for.
select asked.mint, coalesce(token.decimals, listed.decimals) as decimals, coalesce(token.rank, %(unranked)s) as rank,
    point.price, point.observed_at, point.source, point.width_bps, point.block, point.liquidity_usd
from unnest(%(mints)s::text[]) asked (mint)
left join contests.tokens token on token.mint = asked.mint
left join contests.token_whitelist listed on listed.mint = asked.mint and listed.removed_at is null
left join lateral (
    select price, observed_at, source, width_bps, block, liquidity_usd
    from contests.market_data
    where mint = asked.mint and observed_at <= %(at)s and observed_at > %(oldest)s
    order by observed_at desc, source
    limit 1
) point on true;

-- name: valued_at
-- The same of what values: the newest price that we asked for and that is confirmed, and a pushed one that is newer, if
-- it was here by then, is no wider than what counts, and lies in the band around it. Whether it counts the price that we
-- asked for says. `is_held`: one that we asked for since then waits for being confirmed.
select asked.mint, coalesce(token.decimals, listed.decimals) as decimals, coalesce(token.rank, %(unranked)s) as rank,
    coalesce(pushed.price, polled.price) as price, polled.observed_at, polled.width_bps, polled.liquidity_usd,
    exists (select from contests.market_data
            where mint = asked.mint and observed_at <= %(at)s and observed_at > %(oldest)s
                and observed_at > polled.observed_at and not is_confirmed) as is_held
from unnest(%(mints)s::text[]) asked (mint)
left join contests.tokens token on token.mint = asked.mint
left join contests.token_whitelist listed on listed.mint = asked.mint and listed.removed_at is null
left join lateral (
    select price, observed_at, width_bps, liquidity_usd
    from contests.market_data
    where mint = asked.mint and observed_at <= %(at)s and observed_at > %(oldest)s and strpos(source, %(mark)s) = 0
        and is_confirmed
    order by observed_at desc, source
    limit 1
) polled on true
left join lateral (
    select price
    from contests.market_data
    where mint = asked.mint and observed_at <= %(at)s and observed_at > polled.observed_at
        and ingested_at <= %(at)s and strpos(source, %(mark)s) > 0 and coalesce(width_bps, 0) <= %(width_max)s
        and abs(price - polled.price) * 10000 <= polled.price * %(band)s
    order by observed_at desc, source
    limit 1
) pushed on true;

-- name: history
-- What a token cost, the newest first, from a moment on and before another.
select mint, observed_at, source, price, width_bps, block, liquidity_usd
from contests.market_data
where mint = %(mint)s and observed_at >= %(start)s and observed_at < %(end)s
order by observed_at desc, source
limit %(limit)s;

-- name: upsert_tokens
-- The tokens of a list as it has them now; what is as it was is only marked from time to time. Decimals never change.
insert into contests.tokens as token (mint, symbol, name, decimals, rank, synced_at, due_at)
select mint, symbol, name, decimals, rank, %(now)s, %(now)s
from unnest(%(mints)s::text[], %(symbols)s::text[], %(names)s::text[], %(decimals)s::smallint[], %(ranks)s::integer[])
    listed (mint, symbol, name, decimals, rank)
order by mint
on conflict (mint) do update
set symbol = excluded.symbol, name = excluded.name, rank = excluded.rank, synced_at = excluded.synced_at
where (token.symbol, token.name, token.rank) is distinct from (excluded.symbol, excluded.name, excluded.rank)
    or token.synced_at < %(mark_before)s;

-- name: rank_last
-- Tokens that no list has had for long: whoever plays with them still gets prices, last of all.
update contests.tokens
set rank = %(unranked)s
where mint in (select mint from contests.tokens where synced_at < %(gone_before)s and rank <> %(unranked)s
               order by mint for update);

-- name: add_listed
-- Tokens that may be played with and that no list has.
insert into contests.tokens (mint, symbol, name, decimals, rank, synced_at, due_at)
select mint, symbol, name, decimals, %(unranked)s, %(now)s, %(now)s
from contests.token_whitelist listed
where removed_at is null and not exists (select from contests.tokens where mint = listed.mint)
order by mint
on conflict (mint) do nothing;

-- name: due_tokens
-- Tokens whose price is to be asked for: first, at every look, those that a contest plays with which runs, is about to
-- start or is being evaluated: chosen, held, or traded lately. Then those that are due, the largest first.
with live as (
    select id from contests.contests
    where state in ('active', 'evaluating') or (state = 'pending' and starts_at <= %(soon)s)
), played as (
    select held.mint
    from contests.portfolios p, lateral jsonb_object_keys(p.weights_bps || p.positions) held (mint)
    where p.contest_id in (select id from live)
    union
    select mint from contests.trades
    where traded_at > %(lately)s and contest_id in (select id from live)
)
select token.mint, token.rank, played.mint is not null as is_played
from contests.tokens token left join played on played.mint = token.mint
where token.due_at <= %(at)s or played.mint is not null
order by is_played desc, token.rank, token.mint
limit %(limit)s;

-- name: mark_asked
-- These were asked for: when they are due again, and since when there is no price of one.
update contests.tokens token
set due_at = asked.due_at,
    silent_since = case when asked.mint = any(%(told)s::text[]) then null else coalesce(token.silent_since, %(at)s) end
from (select kept.mint, given.due_at
      from unnest(%(mints)s::text[], %(dues)s::timestamptz[]) given (mint, due_at)
      join contests.tokens kept on kept.mint = given.mint
      order by kept.mint for update of kept) asked
where token.mint = asked.mint;

-- name: add_visit
-- How asking one source went.
insert into contests.market_visits (visited_at, what, source, asked, told)
values (%(at)s, %(what)s, %(source)s, %(asked)s, %(told)s);

-- name: known_mints
-- Every token that has a price here.
select mint from contests.tokens;

-- name: tokens_page
-- Tokens by rank, after one of them.
select mint, symbol, name, decimals, rank, silent_since
from contests.tokens
where (rank, mint) > (%(rank)s, %(mint)s)
order by rank, mint
limit %(limit)s;
