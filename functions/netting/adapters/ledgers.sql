-- name: wallets_unknown
-- Those of these wallets of which no ledger was seen: neither opened by us nor read with funds.
select wallet from unnest(%(wallets)s::text[]) as wallet
where not exists (select from netting.ledgers l where l.wallet = wallet.wallet and l.opened_at is not null)
  and not exists (select from netting.wallet_balances b where b.wallet = wallet.wallet)
order by wallet;

-- name: ledgers_seen
-- Wallets whose ledgers are on the chain.
insert into netting.ledgers (wallet, opened_at) select wallet, %(now)s from unnest(%(wallets)s::text[]) as wallet
on conflict (wallet) do update set opened_at = coalesce(ledgers.opened_at, excluded.opened_at);

-- name: wallets_to_open
-- Those of these wallets whose opening is not on its way, each counted once more; locked in one order.
with wanted as (
    insert into netting.ledgers (wallet) select wallet from unnest(%(wallets)s::text[]) as wallet order by wallet
    on conflict (wallet) do nothing
    returning wallet, openings
), opened as (
    update netting.ledgers l set openings = l.openings + 1
    from (select wallet from netting.ledgers
          where wallet = any (%(wallets)s) and transfer is null and opened_at is null
          order by wallet for update) as free
    where l.wallet = free.wallet
    returning l.wallet, l.openings
)
select wallet, openings from wanted union all select wallet, openings from opened order by wallet;

-- name: ledgers_on_their_way
-- What opens these ledgers.
update netting.ledgers set transfer = %(transfer)s where wallet = any (%(wallets)s);

-- name: openings_ended
-- An opening is over: what it opened is there, and what it did not may be opened again.
update netting.ledgers
set transfer = null, opened_at = case when %(confirmed)s then coalesce(opened_at, %(now)s) else opened_at end
where transfer = %(transfer)s;
