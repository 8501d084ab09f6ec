-- migrate:up

set local role counterpart_contests_market;

-- Tokens that have a price here: those that the lists have, and those that may be played with.
create table contests.tokens (
    mint      text        primary key,
    symbol    text        not null check (length(symbol) between 1 and 100),
    name      text        not null check (length(name) between 1 and 100),
    decimals  smallint    not null check (decimals between 0 and 18),
    rank      integer     not null check (rank > 0),            -- the largest is 1
    synced_at timestamptz not null,                             -- when a list had it last
    due_at    timestamptz not null,                             -- when its price is asked for next
    silent_since timestamptz                                    -- since then whoever was asked had no price of it
);
create index tokens_rank on contests.tokens (rank, mint);
create index tokens_due on contests.tokens (due_at);

-- What a token cost, by whom; rows are only ever added. Daily partitions.
create table contests.market_data (
    mint        text           not null,
    observed_at timestamptz    not null,
    source      text           not null,
    price       numeric(40, 0) not null check (price > 0),      -- 10^-12 USD for a whole token
    width_bps   integer        check (width_bps >= 0),          -- how far apart the source's markets were
    block       bigint,                                         -- the slot that the source names
    ingested_at timestamptz    not null,
    primary key (mint, observed_at, source)
) partition by range (observed_at);
create table contests.market_data_default partition of contests.market_data default;
create index market_data_time on contests.market_data using brin (observed_at);

-- How asking went: who answered, and for how many tokens. Rows are only ever added; breakers tell when nobody did. Daily
-- partitions.
create table contests.market_visits (
    visited_at timestamptz not null,
    what       text        not null check (what in ('tokens', 'prices')),
    source     text        not null,
    asked      integer     not null check (asked >= 0),
    told       integer     not null check (told >= 0)
) partition by range (visited_at);
create table contests.market_visits_default partition of contests.market_visits default;
create index market_visits_time on contests.market_visits using brin (visited_at);
reset role;

insert into kernel.partitioned_tables (table_name, keep_days) values
    ('contests.market_data', 30), ('contests.market_visits', 30);

set local role counterpart_contests_whitelist;

-- A token that may be played with, from its addition to its removal. Who adds one again pays again.
create table contests.token_whitelist (
    id           uuid        primary key,
    mint         text        not null,
    symbol       text        not null check (length(symbol) between 1 and 10),
    name         text        not null check (length(name) between 1 and 50),
    decimals     smallint    not null check (decimals between 0 and 18),
    program      text        not null,                          -- the token program
    added_by     text        not null,                          -- the wallet that paid
    experience   bigint      not null check (experience >= 0),  -- that it had then: its level makes the fee
    fee_lamports bigint      not null check (fee_lamports >= 0),
    signature    text        unique,                            -- of the transfer that paid; once, ever
    added_at     timestamptz not null,
    removed_at   timestamptz,
    removed_by   text,
    reason       text,
    check ((fee_lamports > 0) = (signature is not null)),
    check ((removed_at is null) = (removed_by is null)),
    check ((removed_at is null) = (reason is null))
);
create unique index token_whitelist_mint on contests.token_whitelist (mint) where removed_at is null;
create index token_whitelist_page on contests.token_whitelist (added_at desc, id desc);
reset role;

-- migrate:down

drop table contests.token_whitelist;
delete from kernel.partitioned_tables where table_name in ('contests.market_data', 'contests.market_visits');
drop table contests.market_visits;
drop table contests.market_data;
drop table contests.tokens;
