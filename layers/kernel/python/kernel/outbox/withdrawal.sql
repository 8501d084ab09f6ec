-- name: withdraw
-- From now on the effect is wanted no more, whichever family's outbox owes it; how many rows that changes.
with evm as (
    update kernel.evm_outbox set valid_until = %(now)s
    where business_key = %(business_key)s and settled_at is null and coalesce(valid_until > %(now)s, true)
    returning 1
), solana as (
    update kernel.solana_outbox set valid_until = %(now)s
    where business_key = %(business_key)s and settled_at is null and coalesce(valid_until > %(now)s, true)
    returning 1
)
select (select count(*) from evm) + (select count(*) from solana) as withdrawn;

-- name: standing
-- Where the obligation is.
select state, settled_at is not null as settled from kernel.evm_outbox where business_key = %(business_key)s
union all
select state, settled_at is not null as settled from kernel.solana_outbox where business_key = %(business_key)s;
