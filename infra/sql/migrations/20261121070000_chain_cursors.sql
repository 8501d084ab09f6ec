-- migrate:up

-- How far one watch has read its EVM chain. Whoever moves it locks the row and checks that `version` is what it read.
create table kernel.evm_cursors (
    watch        text        primary key check (watch ~ '^[a-z][a-z0-9_.:-]{0,79}$'),
    chain_id     bigint      not null check (chain_id > 0),
    kind         text        not null,
    start_block  bigint      not null check (start_block >= 0),
    next_block   bigint      not null check (next_block >= start_block),
    version      bigint      not null default 0,
    sequence     bigint      not null default 0,  -- deliveries so far
    span_blocks  integer     not null check (span_blocks >= 1),
    span_proven  integer     not null default 0,
    span_refused integer,
    span_well    integer     not null default 0,
    alarm        text,          -- what needs a person; stays until acknowledged
    alarmed_at   timestamptz,
    opened_at    timestamptz not null,
    changed_at   timestamptz not null,
    check ((alarm is null) = (alarmed_at is null))
);

-- The last 256 blocks that a watch read, and the dropped ones of the same heights: a block may return.
create table kernel.evm_cursor_blocks (
    watch        text    not null references kernel.evm_cursors (watch),
    hash         bytea   not null check (octet_length(hash) = 32),
    number       bigint  not null,
    readings     integer not null check (readings >= 1),
    is_canonical boolean not null,
    primary key (watch, hash)
);
-- The database itself refuses a second block at one height of the chain that was read.
create unique index evm_cursor_blocks_canonical on kernel.evm_cursor_blocks (watch, number) where is_canonical;
create index evm_cursor_blocks_number on kernel.evm_cursor_blocks (watch, number);

-- What was delivered of those blocks, to be taken back when they are dropped.
create table kernel.evm_cursor_events (
    watch      text    not null,
    block_hash bytea   not null,
    log_index  integer not null,
    event      jsonb   not null,
    primary key (watch, block_hash, log_index),
    foreign key (watch, block_hash) references kernel.evm_cursor_blocks (watch, hash) on delete cascade
);

-- How far one watch has delivered the transactions of a Solana address. A walk back from the newest one has come to
-- `walk_before`; what it found waits in kernel.solana_cursor_findings until the walk is done.
create table kernel.solana_cursors (
    watch         text        primary key check (watch ~ '^[a-z][a-z0-9_.:-]{0,79}$'),
    cluster       text        not null check (cluster in ('mainnet', 'devnet', 'testnet', 'localnet')),
    kind          text        not null,
    address       text        not null,
    last_signature text,       -- the newest one that was delivered; before the first, the one to start after
    last_slot     bigint      not null default 0,
    walk_before   text,
    walk_is_done  boolean     not null default false,
    version       bigint      not null default 0,
    sequence      bigint      not null default 0,
    alarm         text,
    alarmed_at    timestamptz,
    opened_at     timestamptz not null,
    changed_at    timestamptz not null,
    check ((alarm is null) = (alarmed_at is null))
);

-- Signatures that a walk back found and that are not delivered yet; the greatest ordinal is the oldest and goes first.
create table kernel.solana_cursor_findings (
    watch     text    not null references kernel.solana_cursors (watch),
    ordinal   bigint  not null,
    signature text    not null,
    slot      bigint  not null,
    succeeded boolean not null,
    primary key (watch, ordinal),
    unique (watch, signature)
);

grant select, insert, update on kernel.evm_cursors, kernel.solana_cursors to counterpart_slice;
-- Pruned as the cursor goes on.
grant select, insert, update, delete on kernel.evm_cursor_blocks, kernel.evm_cursor_events to counterpart_slice;
grant select, insert, delete on kernel.solana_cursor_findings to counterpart_slice;

-- migrate:down

drop table kernel.solana_cursor_findings;
drop table kernel.solana_cursors;
drop table kernel.evm_cursor_events;
drop table kernel.evm_cursor_blocks;
drop table kernel.evm_cursors;
