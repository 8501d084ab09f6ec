-- name: add_wallet
-- A wallet whose key has just been stored.
insert into contests.contest_wallets (address, origin, contest_id, created_at, assigned_at)
values (%(address)s, %(origin)s, %(contest_id)s, %(now)s, %(assigned_at)s)
on conflict (address) do nothing;

-- name: add_test_wallet
-- The same of a test network's.
insert into contests.test_wallets (address, created_at) values (%(address)s, %(now)s) on conflict do nothing;

-- name: stock
-- How many wallets wait for a contest, and how many test wallets there are.
select (select count(*) from contests.contest_wallets w
        where contest_id is null and origin = 'generated' and retired_at is null
          and not exists (select from contests.key_exports e where e.address = w.address)) as free,
       (select count(*) from contests.test_wallets) as test;

-- name: claim_vanity
-- The next vanity address for a contest, or the one that it has; null where the pool is empty.
select contests.claim_vanity(%(contest_id)s, %(now)s) as address;

-- name: hold_wallets
-- Until the commit administrators ask for no transfer: each sees which wallet is given away, or is seen to move of it.
select pg_advisory_xact_lock(hashtextextended('contests.contest_wallets', 0));

-- name: claim_generated
-- The wallet that has waited longest, for a contest; none whose key somebody wanted to have outside, and none from or
-- to which an administrator's transfer is on its way: it would be booked as the pool's.
update contests.contest_wallets
set contest_id = %(contest_id)s, assigned_at = %(now)s
where address = (
    select address from contests.contest_wallets w
    where retired_at is null and contest_id is null and origin = 'generated'
      and not exists (select from contests.key_exports e where e.address = w.address)
      and not exists (select from contests.admin_transfers t join kernel.solana_outbox o on o.business_key = t.entry_key
                      where w.address in (t.source, t.recipient) and o.settled_at is null)
    order by number limit 1
    for update skip locked)
returning address;

-- name: give_wallet
-- A contest's wallet, once.
update contests.contests set wallet = %(address)s, moved_at = %(now)s where id = %(contest_id)s and wallet is null;
