-- name: lock_faucet
-- How the faucet stands, held until the commit: grants and checks take turns.
select balance_lamports, low_checks, sweeps, checked_at from contests.faucet for update;

-- name: move_faucet
-- What a check made of it.
update contests.faucet
set balance_lamports = %(balance_lamports)s, low_checks = %(low_checks)s, sweeps = sweeps + %(swept)s, checked_at = %(now)s;

-- name: leaving
-- Lamports of grants that are on their way, or arrived since a moment.
select coalesce(sum(t.lamports), 0)::bigint as lamports
from contests.faucet_transfers t
join kernel.solana_outbox o on o.business_key = t.entry_key
where t.kind = 'grant' and (o.settled_at is null or o.settled_at >= %(since)s);

-- name: recipient
-- When an address was last granted something; held until the commit.
select granted_at from contests.faucet_recipients where address = %(address)s for update;

-- name: remember_recipient
-- That an address is granted something now.
insert into contests.faucet_recipients (address, granted_at) values (%(address)s, %(now)s)
on conflict (address) do update set granted_at = excluded.granted_at;

-- name: add_transfer
-- A grant or a sweep.
insert into contests.faucet_transfers (id, kind, request_key, entry_key, address, lamports, asked_at)
values (%(id)s, %(kind)s, %(request_key)s, %(entry_key)s, %(address)s, %(lamports)s, %(now)s);

-- name: transfer_by_request
-- One by its asker's key, and what became of it.
select t.*, o.state, o.signature, o.settled_at
from contests.faucet_transfers t join kernel.solana_outbox o on o.business_key = t.entry_key
where t.request_key = %(request_key)s;

-- name: transfer
-- One by its id, and what became of it.
select t.*, o.state, o.signature, o.settled_at
from contests.faucet_transfers t join kernel.solana_outbox o on o.business_key = t.entry_key
where t.id = %(id)s;

-- name: transfer_of_entry
-- One by the key of its outbox entry.
select kind, lamports from contests.faucet_transfers where entry_key = %(entry_key)s;

-- name: test_wallets
-- Test wallets from which nothing is on its way, in the order of their making, behind one of them.
select w.address, w.number
from contests.test_wallets w
where w.number > %(after)s and not exists (
    select from contests.faucet_transfers t
    join kernel.solana_outbox o on o.business_key = t.entry_key
    where t.kind = 'sweep' and t.address = w.address and o.settled_at is null)
order by w.number
limit %(limit)s;
