-- name: store_prices
-- Add prices, each once. `is_newest`: nothing newer of the token was there before this statement.
insert into contests.market_data (mint, observed_at, source, price, width_bps, block, ingested_at)
select mint, observed_at, source, price, width_bps, block, %(now)s
from unnest(%(mints)s::text[], %(times)s::timestamptz[], %(sources)s::text[], %(prices)s::numeric[],
            %(widths)s::integer[], %(blocks)s::bigint[]) told (mint, observed_at, source, price, width_bps, block)
on conflict do nothing
returning mint, observed_at, source, price, width_bps, block,
    not exists (select from contests.market_data newer
                where newer.mint = market_data.mint and newer.observed_at > market_data.observed_at) as is_newest;

-- name: prices_at
-- The newest price of each token up to a moment, with what says whether it counts. A row for every mint that is asked for.
select asked.mint, coalesce(token.decimals, listed.decimals) as decimals, coalesce(token.rank, %(unranked)s) as rank,
    point.price, point.observed_at, point.source, point.width_bps, point.block
from unnest(%(mints)s::text[]) asked (mint)
left join contests.tokens token on token.mint = asked.mint
left join contests.token_whitelist listed on listed.mint = asked.mint and listed.removed_at is null
left join lateral (
    select price, observed_at, source, width_bps, block
    from contests.market_data
    where mint = asked.mint and observed_at <= %(at)s and observed_at > %(oldest)s
    order by observed_at desc, source
    limit 1
) point on true;

-- name: valued_at
-- The same of what values: the newest price that we asked for, and a pushed one that is newer, if it was here by then,
-- is no wider than what counts, and lies in the band around it. Whether it counts the price that we asked for says.
select asked.mint, coalesce(token.decimals, listed.decimals) as decimals, coalesce(token.rank, %(unranked)s) as rank,
    coalesce(pushed.price, polled.price) as price, polled.observed_at, polled.width_bps
from unnest(%(mints)s::text[]) asked (mint)
left join contests.tokens token on token.mint = asked.mint
left join contests.token_whitelist listed on listed.mint = asked.mint and listed.removed_at is null
left join lateral (
    select price, observed_at, width_bps
    from contests.market_data
    where mint = asked.mint and observed_at <= %(at)s and observed_at > %(oldest)s and strpos(source, %(mark)s) = 0
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
select mint, observed_at, source, price, width_bps, block
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
-- Tokens whose price is to be asked for, the largest first.
select mint, rank from contests.tokens where due_at <= %(at)s order by rank, mint limit %(limit)s;

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
