-- migrate:up

create schema oracle authorization counterpart_oracle;
set local role counterpart_oracle;

-- The feeds of a reward epoch in submission order, as the chain's reward offers define them.
create table oracle.feeds (
    reward_epoch bigint   not null,
    position     smallint not null check (position >= 0),
    feed_id      bytea    not null check (octet_length(feed_id) = 21),
    symbol       text     not null,
    decimals     smallint not null,
    primary key (reward_epoch, position),
    unique (reward_epoch, symbol)
);

-- Raw points as the venues and the ingest clients gave them. Daily partitions are made ahead by ops/cron_partitions;
-- the default partition catches what no day covers and is alarmed when it has rows.
create table oracle.prices (
    symbol      text        not null,  -- BASE/QUOTE, quote exactly as traded: USDT is not USD
    source      text        not null,
    time        timestamptz not null,  -- the venue's own clock
    price       numeric     not null check (price > 0 and price < 'Infinity'),
    volume      numeric     check (volume is null or (volume >= 0 and volume < 'Infinity')),
    worker_id   text        not null,
    ingested_at timestamptz not null default now(),
    primary key (symbol, source, time)
) partition by range (time);

create table oracle.prices_default partition of oracle.prices default;
create index prices_time_brin on oracle.prices using brin (time);
create index prices_symbol_time on oracle.prices (symbol, time desc);

-- What a venue answered in one collection: a venue that was left out is a record, not a silence.
create table oracle.venue_reports (
    collected_at timestamptz not null,
    venue        text        not null,
    outcome      text        not null,  -- 'ok', or why the venue was left out
    points       integer     not null check (points >= 0),
    latency_ms   integer     not null check (latency_ms >= 0),
    primary key (collected_at, venue)
);

-- The aggregate behind every submitted value, one row a feed and round.
create table oracle.aggregates (
    voting_round    bigint      not null,
    symbol          text        not null,
    decided_at      timestamptz not null,
    window_start    timestamptz not null,
    -- Decisions are float64 and must replay bit for bit, so they are not stored as decimals.
    vwap            double precision,
    twap            double precision,
    weighted_median double precision,
    consensus       double precision not null check (consensus > 0),
    confidence      double precision not null check (confidence >= 0),  -- 95 % half-width, in the quote
    sources         jsonb       not null,  -- source -> [its own price, the reputation it was weighed with]
    left_out        jsonb       not null,  -- source -> why points of it did not count: unconverted, outlier, stale
    flagged         boolean     not null,  -- fewer than three sources
    primary key (voting_round, symbol)
);
create index aggregates_symbol_decided on oracle.aggregates (symbol, decided_at desc);

-- How far a source is believed for a symbol, after the newest decision in which it took part.
create table oracle.reputations (
    symbol       text          not null,
    source       text          not null,
    reputation   numeric(7, 6) not null check (reputation > 0 and reputation <= 1),
    voting_round bigint        not null,
    primary key (symbol, source)
);

-- Our own part in a voting round. The random and the values are sealed before the commit is sent,
-- in the transaction that records the commit, so that any later invocation can reveal.
create table oracle.submissions (
    voting_round bigint      primary key,
    submitter    text        not null,
    commit_hash  bytea       not null check (octet_length(commit_hash) = 32),
    sealed       bytea       not null,  -- envelope of random (32 bytes) and feed values
    committed_at timestamptz not null default now(),
    revealed_at  timestamptz,
    signed_at    timestamptz,
    finalised_at timestamptz
);

-- The result of a round, as we computed it from chain data alone.
create table oracle.rounds (
    voting_round     bigint      primary key,
    reward_epoch     bigint      not null,
    merkle_root      bytea       check (octet_length(merkle_root) = 32),  -- null: nobody revealed validly
    is_secure_random boolean     not null,
    random           numeric     check (random >= 0),
    medians          jsonb       not null,  -- in feed order: {id, value, turnout_bips, decimals, q1, q3}
    offenders        jsonb       not null,  -- submit addresses
    read_at_block    bigint      not null,  -- every read of the computation was at or before this block
    computed_at      timestamptz not null default now()
);

reset role;

insert into kernel.partitioned_tables (table_name, keep_days) values ('oracle.prices', 30);

-- migrate:down

delete from kernel.partitioned_tables where table_name = 'oracle.prices';
drop schema oracle cascade;
