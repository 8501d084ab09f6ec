-- migrate:up

-- Whoever makes a wallet keeps its key; rotation is everybody's and stays with ops.
grant insert on kernel.sealed_keys to counterpart_contests_wallets, counterpart_contests_vanity;

set local role counterpart_contests_vanity;

-- A search for one vanity address. `opening` is the private half, sealed under KMS, of the pair to whose public half
-- (`recipient`) the found key comes sealed; it is there while somebody searches, and erased by the commit that ends it.
create table contests.vanity_jobs (
    id                uuid        primary key,
    letters           text        not null check (length(letters) between 1 and 8),
    place             text        not null check (place in ('prefix', 'suffix')),
    is_case_sensitive boolean     not null,
    state             text        not null default 'pending' check (state in (
                          'pending', 'processing', 'completed', 'failed', 'cancelled')),
    recipient         bytea       unique check (octet_length(recipient) = 32),
    opening           bytea       check (octet_length(opening) between 64 and 8192),
    offload_job       uuid        unique,                           -- of kernel.offload_jobs
    tries             bigint      check (tries > 0),                -- keys that were tried
    address           text        unique,                           -- found by it; null: none of so many keys had it
    reason            text,                                         -- why it failed or was cancelled
    asked_at          timestamptz not null,
    moved_at          timestamptz not null,
    check ((state = 'processing') = (opening is not null)),
    check (state = 'pending' or state = 'cancelled' or recipient is not null),
    check ((state in ('failed', 'cancelled')) = (reason is not null)),
    check ((state = 'completed') = (tries is not null)),
    check (address is null or state = 'completed')
);
create index vanity_jobs_open on contests.vanity_jobs (state, asked_at) where state in ('pending', 'processing');

-- Addresses with a pattern whose keys are in the vault; assigned in the order of `number`, each to one contest.
create table contests.vanity_pool (
    address           text        primary key,
    number            bigint      generated always as identity unique,
    letters           text        not null,
    place             text        not null,
    is_case_sensitive boolean     not null,
    job               uuid        not null unique references contests.vanity_jobs,
    contest_id        uuid        unique,
    pooled_at         timestamptz not null,
    assigned_at       timestamptz,
    check ((contest_id is null) = (assigned_at is null))
);
create index vanity_pool_free on contests.vanity_pool (number) where contest_id is null;

-- The next address of the pool for a contest, or the one that it has already; null where the pool is empty. Whoever
-- assigns wallets may only take what is next, in a transaction of its own.
create function contests.claim_vanity(for_contest uuid, at timestamptz) returns text
language plpgsql security definer set search_path = ''
as $$
declare
    taken text;
begin
    select p.address into taken from contests.vanity_pool p where p.contest_id = for_contest;
    if found then
        return taken;
    end if;
    update contests.vanity_pool
    set contest_id = for_contest, assigned_at = at
    where address = (
        select p.address from contests.vanity_pool p where p.contest_id is null order by p.number limit 1
        for update skip locked)
    returning address into taken;
    return taken;
end
$$;
revoke execute on function contests.claim_vanity from public;
grant execute on function contests.claim_vanity to counterpart_contests_wallets;
reset role;

set local role counterpart_contests_wallets;

-- A wallet whose key is in the vault for the purpose "contests". Generated ones wait until a contest needs one; what
-- came from elsewhere is never given to a contest.
create table contests.contest_wallets (
    address     text        primary key,
    number      bigint      generated always as identity unique,
    origin      text        not null check (origin in ('generated', 'vanity', 'legacy')),
    contest_id  uuid        unique references contests.contests,
    created_at  timestamptz not null,
    assigned_at timestamptz,
    retired_at  timestamptz,                                        -- nobody gives it to a contest any more
    check ((contest_id is null) = (assigned_at is null)),
    check (origin <> 'vanity' or contest_id is not null),
    check (origin <> 'legacy' or contest_id is null)
);
create index contest_wallets_free on contests.contest_wallets (number)
    where contest_id is null and origin = 'generated' and retired_at is null;
grant insert, update (retired_at) on contests.contest_wallets to counterpart_contests_admin;

-- Wallets of test networks that the faucet fills, and empties again when it has run low.
create table contests.test_wallets (
    address    text        primary key,
    number     bigint      generated always as identity unique,
    created_at timestamptz not null
);

-- How the faucet stands; one row.
create table contests.faucet (
    id               boolean     primary key default true check (id),
    balance_lamports bigint      check (balance_lamports >= 0),     -- at the newest check
    low_checks       integer     not null default 0 check (low_checks between 0 and 2),  -- in a row
    sweeps           integer     not null default 0 check (sweeps >= 0),
    checked_at       timestamptz
);
insert into contests.faucet default values;

-- When each address was last granted something: once in a quarter of an hour.
create table contests.faucet_recipients (
    address    text        primary key,
    granted_at timestamptz not null
);

-- What the faucet gave, or took back; `request_key` is the asker's. Rows are only ever added: what became of one stands
-- in kernel.solana_outbox, under `entry_key`.
create table contests.faucet_transfers (
    id          uuid        primary key,
    kind        text        not null check (kind in ('grant', 'sweep')),
    request_key text        not null unique check (length(request_key) between 1 and 250),
    entry_key   text        not null unique,
    address     text        not null,
    lamports    bigint      not null check (lamports > 0),
    asked_at    timestamptz not null
);
create index faucet_transfers_recent on contests.faucet_transfers (kind, asked_at);
revoke update, delete, truncate on contests.faucet_transfers from counterpart_contests_wallets;
reset role;

-- migrate:down

drop table contests.faucet_transfers;
drop table contests.faucet_recipients;
drop table contests.faucet;
drop table contests.test_wallets;
drop table contests.contest_wallets;
drop function contests.claim_vanity;
drop table contests.vanity_pool;
drop table contests.vanity_jobs;
revoke insert on kernel.sealed_keys from counterpart_contests_wallets, counterpart_contests_vanity;
