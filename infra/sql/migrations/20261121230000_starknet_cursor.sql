-- migrate:up

set local role counterpart_bridge;

-- How far one watch has read an escrow's chain on Starknet. Whoever moves it locks the row and checks that `version` is
-- what it read.
create table bridge.starknet_cursors (
    watch       text        primary key check (watch ~ '^[a-z][a-z0-9_.:-]{0,79}$'),
    network     text        not null,
    kind        text        not null,
    start_block bigint      not null check (start_block >= 0),
    next_block  bigint      not null check (next_block >= start_block),
    version     bigint      not null default 0,
    sequence    bigint      not null default 0,  -- deliveries so far
    alarm       text,          -- what needs a person; stays until acknowledged
    alarmed_at  timestamptz,
    opened_at   timestamptz not null,
    changed_at  timestamptz not null,
    check ((alarm is null) = (alarmed_at is null))
);

-- The last 256 blocks that a watch read, and the dropped ones of the same heights: a block may return.
create table bridge.starknet_cursor_blocks (
    watch        text    not null references bridge.starknet_cursors (watch),
    hash         bytea   not null check (octet_length(hash) = 32),
    number       bigint  not null,
    readings     integer not null check (readings >= 1),
    is_canonical boolean not null,
    primary key (watch, hash)
);
-- The database itself refuses a second block at one height of the chain that was read.
create unique index starknet_cursor_blocks_canonical on bridge.starknet_cursor_blocks (watch, number)
    where is_canonical;
create index starknet_cursor_blocks_number on bridge.starknet_cursor_blocks (watch, number);

-- What was delivered of those blocks, to be taken back when they are dropped.
create table bridge.starknet_cursor_events (
    watch      text    not null,
    block_hash bytea   not null,
    position   integer not null,  -- among the watch's events of the block
    event      jsonb   not null,
    primary key (watch, block_hash, position),
    foreign key (watch, block_hash) references bridge.starknet_cursor_blocks (watch, hash) on delete cascade
);
reset role;

-- migrate:down

drop table bridge.starknet_cursor_events;
drop table bridge.starknet_cursor_blocks;
drop table bridge.starknet_cursors;
