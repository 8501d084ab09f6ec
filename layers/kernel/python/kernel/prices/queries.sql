-- name: prices
-- The newest consensus of some symbols, all seen at one moment.
select symbol, price, confidence, decimals, sources, voting_round, decided_at, age_ms
from kernel.prices
where symbol = any(%(symbols)s);
