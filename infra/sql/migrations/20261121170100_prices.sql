-- migrate:up

-- The oracle's newest consensus price of each symbol, for every slice: no other way leads to the oracle's tables.
-- `price` and `confidence` (the half-width of a 95 % interval, rounded up) are whole units of 10^-decimals of the quote.
-- The text of a float is the shortest that means the same; its own cast to numeric would keep 15 digits only.
create view kernel.prices as
select feed.symbol,
    round(newest.consensus::text::numeric * 1e18) as price,
    ceil(newest.confidence::text::numeric * 1e18) as confidence,
    18 as decimals,
    (select count(*)::integer from jsonb_object_keys(newest.sources)) as sources,
    newest.voting_round,
    newest.decided_at,
    -- The database's clock, which all readers share.
    greatest(0, floor(extract(epoch from statement_timestamp() - newest.decided_at) * 1000))::bigint as age_ms
from (
    -- An epoch's feeds are known before it begins, and one that ends may have lost some.
    select distinct symbol
    from oracle.feeds
    where reward_epoch >= (select max(reward_epoch) - 1 from oracle.feeds)
) feed
cross join lateral (
    select consensus, confidence, sources, voting_round, decided_at
    from oracle.aggregates
    where aggregates.symbol = feed.symbol
        and consensus < 'infinity' and confidence < 'infinity'  -- which NaN is not either
    order by decided_at desc
    limit 1
) newest;

grant select on kernel.prices to counterpart_slice;

-- migrate:down

drop view kernel.prices;
