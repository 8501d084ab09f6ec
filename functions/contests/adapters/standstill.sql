-- name: standing_still
-- Contests that nothing right leaves for so long where they are: without a wallet, unstarted, unended, unranked, unpaid.
select id, state, wallet is null as lacks_wallet, greatest(moved_at, case state when 'pending' then
       case when wallet is null then created_at else starts_at end when 'active' then ends_at else moved_at end) as since
from contests.contests
where (state = 'pending' and (starts_at < %(since)s or (wallet is null and created_at < %(since)s)))
    or (state = 'active' and ends_at < %(since)s)
    or (state in ('evaluating', 'paying', 'refunding') and moved_at < %(since)s)
order by since, id
limit %(most)s;
