-- migrate:up

create schema barter authorization counterpart_barter;
set local role counterpart_barter;

-- An exchange that is followed, from the moment that somebody asks for it until it has left Trade for good, or stood
-- still for too long (functions/barter/core/watch.py).
create table barter.watches (
    chain_id     bigint      not null check (chain_id > 0),
    address      text        not null check (address ~ '^0x[0-9a-fA-F]{40}$'),  -- with its checksum
    state        text        not null default 'watching' check (state in (
                     'watching', 'ready', 'timed_out', 'over', 'lapsed')),
    is_ours      boolean     not null,                                          -- an operator asked: we pay for it
    looks        integer     not null default 0 check (looks >= 0),             -- the number of the newest planned look
    next_look_at timestamptz not null,                                          -- when it is due
    reason       text,                                                          -- why nothing was seen at the last one
    watched_at   timestamptz not null,
    moved_at     timestamptz not null,                                          -- or its exchange changed its phase
    primary key (chain_id, address)
);
create index watches_live on barter.watches (next_look_at) where state not in ('over', 'lapsed');
create index watches_page on barter.watches (watched_at desc, address desc);

-- What an exchange said when it was last looked at; a later look may take it back.
create table barter.contracts (
    chain_id         bigint         not null,
    address          text           not null,
    operator         text           not null,
    verifier         text,                             -- null: it takes certificates only
    image_id         bytea          not null,
    agents_max       integer        not null check (agents_max > 0),
    list_max         integer        not null check (list_max > 0),
    deposit_fee_wei  numeric(78, 0) not null check (deposit_fee_wei >= 0),
    phase            smallint       not null check (phase between 0 and 4),
    phase_started_at timestamptz    not null,
    phase_ends_at    timestamptz,                      -- null where time does not end it
    agents           integer        not null check (agents >= 0),
    trade_block      bigint         check (trade_block >= 0),
    trade_hash       bytea,                            -- of that block
    first_block      bigint         not null check (first_block >= 0),  -- of the first look: events count from there
    block_number     bigint         not null check (block_number >= 0),
    block_hash       bytea          not null,
    seen_at          timestamptz    not null,
    primary key (chain_id, address),
    foreign key (chain_id, address) references barter.watches (chain_id, address),
    check ((trade_block is null) = (trade_hash is null))
);

-- A proof that is owed to an exchange in Trade (functions/barter/core/job.py); one for each block in which Trade began.
create table barter.jobs (
    id              uuid        primary key,
    chain_id        bigint      not null,
    address         text        not null,
    trade_block     bigint      not null check (trade_block >= 0),
    trade_hash      bytea       not null,
    state           text        not null default 'created' check (state in (
                        'created', 'in_progress', 'completed', 'errored', 'void')),
    mode            text        check (mode in ('direct', 'groth16')),   -- known once it was begun
    attempts        integer     not null default 0 check (attempts >= 0),
    wakes           integer     not null default 0 check (wakes >= 0),   -- how often its task was asked for
    next_attempt_at timestamptz,                       -- of an errored one that is tried again
    offload_id      uuid,                              -- of kernel.offload_jobs: it is proven there
    agents          integer     check (agents >= 0),
    journal         bytea,
    seal            bytea,
    error           text,
    created_at      timestamptz not null,
    begun_at        timestamptz,                       -- its newest attempt
    completed_at    timestamptz,
    moved_at        timestamptz not null,
    unique (chain_id, address, trade_block, trade_hash),
    foreign key (chain_id, address) references barter.watches (chain_id, address),
    check ((state = 'completed') = (journal is not null and seal is not null and completed_at is not null)),
    check ((state = 'errored') = (error is not null)),
    check (next_attempt_at is null or state = 'errored')
);
create unique index jobs_wanted on barter.jobs (chain_id, address) where state <> 'void';
create index jobs_offload on barter.jobs (offload_id) where offload_id is not null;

-- Our transactions to exchanges: one open at a time for each.
create table barter.calls (
    transfer         text        primary key,          -- key of kernel.treasury_transfers
    chain_id         bigint      not null,
    address          text        not null,
    purpose          text        not null check (purpose in ('advance', 'time_out', 'trades')),
    number           integer     not null check (number >= 1),  -- among those of the exchange
    phase            smallint    not null check (phase between 0 and 4),  -- that it ends
    job_id           uuid        references barter.jobs,
    state            text        not null default 'open' check (state in ('open', 'confirmed', 'failed', 'cancelled')),
    reason           text,
    transaction_hash bytea,
    block_number     bigint,
    recorded_at      timestamptz not null,
    ended_at         timestamptz,
    unique (chain_id, address, number),
    foreign key (chain_id, address) references barter.watches (chain_id, address),
    check ((purpose = 'trades') = (job_id is not null)),
    check ((state = 'open') = (ended_at is null))
);
create unique index calls_open on barter.calls (chain_id, address) where state = 'open';
create index calls_job on barter.calls (job_id) where job_id is not null;

-- Every step of a watch, a job or a call; rows are only ever added.
create table barter.history (
    id             bigint      generated always as identity primary key,
    chain_id       bigint      not null,
    address        text        not null,
    subject        text        not null check (subject in ('watch', 'job', 'call')),
    event          text        not null,
    state_left     text,                               -- null for its first row
    state          text        not null,
    details        jsonb       not null default '{}',
    correlation_id text,
    happened_at    timestamptz not null,
    foreign key (chain_id, address) references barter.watches (chain_id, address)
);
create index history_address on barter.history (chain_id, address, id);
reset role;

grant insert, update (state, block, transaction_id, fee, paid, settled_at) on kernel.treasury_transfers
    to counterpart_barter;

-- migrate:down

revoke insert, update (state, block, transaction_id, fee, paid, settled_at) on kernel.treasury_transfers
    from counterpart_barter;
drop table barter.history;
drop table barter.calls;
drop table barter.jobs;
drop table barter.contracts;
drop table barter.watches;
drop schema barter;
