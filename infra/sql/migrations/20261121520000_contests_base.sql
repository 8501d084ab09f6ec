-- migrate:up

-- Who writes what of contests is a role of its own; each owns its tables, and all of them read everything.
do $$
declare
    owner text;
begin
    foreach owner in array array['counterpart_contests_wallets', 'counterpart_contests_admin',
                                 'counterpart_contests_vanity', 'counterpart_contests_market',
                                 'counterpart_contests_evaluation', 'counterpart_contests_whitelist',
                                 'counterpart_contests_readers'] loop
        begin
            execute format('create role %I nologin', owner);
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
    foreach owner in array array['counterpart_contests', 'counterpart_contests_wallets', 'counterpart_contests_admin',
                                 'counterpart_contests_vanity', 'counterpart_contests_market',
                                 'counterpart_contests_evaluation', 'counterpart_contests_whitelist'] loop
        if not pg_has_role(owner, 'counterpart_slice', 'member') then
            execute format('grant counterpart_slice to %I', owner);
        end if;
        if not pg_has_role(owner, 'counterpart_contests_readers', 'member') then
            execute format('grant counterpart_contests_readers to %I', owner);
        end if;
        if not pg_has_role('counterpart_app', owner, 'member') then
            execute format('grant %I to counterpart_app', owner);
        end if;
    end loop;
end
$$;

create schema contests authorization counterpart_contests;
grant usage on schema contests to counterpart_contests_readers;
do $$
declare
    owner text;
begin
    foreach owner in array array['counterpart_contests', 'counterpart_contests_wallets', 'counterpart_contests_admin',
                                 'counterpart_contests_vanity', 'counterpart_contests_market',
                                 'counterpart_contests_evaluation', 'counterpart_contests_whitelist'] loop
        execute format('grant create on schema contests to %I', owner);
        execute format('alter default privileges for role %I in schema contests '
                       'grant select, references on tables to counterpart_contests_readers', owner);
    end loop;
end
$$;

set local role counterpart_contests;

-- What opens contests by itself: on these days of the week, at these hours (UTC), one each.
create table contests.templates (
    id                  uuid        primary key,
    name                text        not null check (length(name) between 1 and 100),
    days                smallint[]  not null check (days <@ array[1, 2, 3, 4, 5, 6, 7]::smallint[] and cardinality(days) > 0),  -- Monday is 1
    hours               smallint[]  not null check (0 <= all (hours) and 23 >= all (hours) and cardinality(hours) > 0),
    duration_s          integer     not null check (duration_s between 60 and 2678400),
    announced_s         integer     not null check (announced_s between 60 and 604800),  -- before its start a contest is opened
    fee_lamports        bigint      check (fee_lamports > 0),       -- instead of the usual one
    entrants_min        integer     not null check (entrants_min >= 2),
    entrants_max        integer     not null check (entrants_max >= entrants_min),
    shares_bps          integer[]   not null,
    rake_bps            integer     not null check (rake_bps between 0 and 10000),
    stake_micros        bigint      not null check (stake_micros > 0),
    is_active           boolean     not null default true,
    created_at          timestamptz not null,
    moved_at            timestamptz not null
);

-- A contest (functions/contests/core/contest.py).
create table contests.contests (
    id                  uuid        primary key,
    name                text        not null check (length(name) between 1 and 100),
    template            uuid        references contests.templates,
    state               text        not null default 'pending' check (state in (
                            'pending', 'active', 'evaluating', 'paying', 'paid', 'raked', 'refunding', 'refunded', 'swept')),
    wallet              text        unique,                         -- whose key is in the vault; null until one is assigned
    fee_lamports        bigint      not null check (fee_lamports > 0),
    entrants_min        integer     not null check (entrants_min >= 2),
    entrants_max        integer     not null check (entrants_max >= entrants_min),
    starts_at           timestamptz not null,
    ends_at             timestamptz not null check (ends_at > starts_at),
    stake_micros        bigint      not null check (stake_micros > 0),  -- what each portfolio begins with; play money
    shares_bps          integer[]   not null,
    rake_bps            integer     not null check (rake_bps between 0 and 10000),
    entrants            integer     not null default 0 check (entrants between 0 and entrants_max),
    pool_lamports       bigint      not null default 0 check (pool_lamports = fee_lamports * entrants),
    snapshots           integer     not null default 0,             -- that are stored; the next one's number
    reason              text,                                       -- why it was cancelled
    created_at          timestamptz not null,
    moved_at            timestamptz not null,
    unique (template, starts_at)
);
create index contests_open on contests.contests (state, starts_at)
    where state not in ('raked', 'swept');
create index contests_page on contests.contests (starts_at desc, id desc);

-- Somebody's entry: paid for by one transfer, whose signature counts once, ever. Rows are only ever added.
create table contests.entries (
    contest_id  uuid        not null references contests.contests,
    wallet      text        not null,                               -- the entrant
    number      integer     not null check (number >= 0),           -- within the contest, in the order of acceptance
    signature   text        not null unique,
    lamports    bigint      not null check (lamports > 0),
    slot        bigint      not null check (slot >= 0),
    paid_at     timestamptz,                                        -- the time of the block, where it is known
    entered_at  timestamptz not null,
    primary key (contest_id, wallet),
    unique (contest_id, number)
);
create index entries_wallet on contests.entries (wallet, entered_at desc);

-- What an entrant plays with. Weights until the start, then cash and positions (functions/contests/core/portfolio.py).
create table contests.portfolios (
    contest_id        uuid        not null,
    wallet            text        not null,
    weights_bps       jsonb       not null,                         -- by mint
    cash_micros       bigint      check (cash_micros >= 0),         -- null until the start
    positions         jsonb       not null default '{}',            -- by mint: [quantity, cost in micro-units]
    sales             integer     not null default 0 check (sales >= 0),
    profitable_trades integer     not null default 0 check (profitable_trades between 0 and sales),
    profit_micros     bigint      not null default 0,               -- realised; losses are below zero
    biggest_win_micros bigint     check (biggest_win_micros > 0),
    first_profit_at   timestamptz,
    trades            integer     not null default 0 check (trades >= sales),
    volume_micros     numeric(40, 0) not null default 0 check (volume_micros >= 0),
    moved_at          timestamptz not null,
    primary key (contest_id, wallet),
    foreign key (contest_id, wallet) references contests.entries (contest_id, wallet)
);

-- A trade at the market's price; rows are only ever added, and their ids order them within a contest.
create table contests.trades (
    id            bigint         generated always as identity primary key,
    contest_id    uuid           not null,
    wallet        text           not null,
    request_key   text           not null check (length(request_key) between 1 and 200),
    side          text           not null check (side in ('buy', 'sell')),
    mint          text           not null,
    quantity      numeric(40, 0) not null check (quantity > 0),
    decimals      smallint       not null check (decimals between 0 and 30),
    price_micros  numeric(40, 0) not null check (price_micros > 0),
    money_micros  bigint         not null check (money_micros >= 0),
    profit_micros bigint,                                           -- of a sale
    priced_at     timestamptz    not null,                          -- the instant of the price
    traded_at     timestamptz    not null,
    unique (contest_id, wallet, request_key),
    foreign key (contest_id, wallet) references contests.portfolios (contest_id, wallet),
    check ((side = 'sell') = (profit_micros is not null))
);
create index trades_contest on contests.trades (contest_id, id);

-- What every portfolio of a contest was worth at one instant. Arrays are in the order of the entries' numbers.
create table contests.snapshots (
    contest_id    uuid        not null references contests.contests,
    number        integer     not null check (number >= 0),         -- 0 is the start
    due_at        timestamptz not null,
    taken_at      timestamptz not null,
    priced_at     timestamptz,                                      -- null: it held, since prices were not to be had
    prices        jsonb       not null default '{}',                -- by mint: [decimals, price in micro-units]
    last_trade    bigint      not null default 0,                   -- trades up to this one are in it
    values_micros bigint[]    not null default '{}',
    in_profit     integer[]   not null default '{}',                -- snapshots so far above the stake
    reason        text,                                             -- why it held
    primary key (contest_id, number),
    unique (contest_id, due_at),
    check ((priced_at is null) = (reason is not null))
);
reset role;

-- Evaluation owns what contests came to.
set local role counterpart_contests_evaluation;
create table contests.evaluations (
    contest_id    uuid        primary key references contests.contests,
    priced_at     timestamptz not null,
    prices        jsonb       not null,                             -- by mint: [decimals, price in micro-units], and where it is from if not of the end
    last_trade    bigint      not null,
    pool_lamports bigint      not null check (pool_lamports > 0),
    rake_lamports bigint      not null check (rake_lamports >= 0),
    dust_lamports bigint      not null check (dust_lamports >= 0),
    evaluated_at  timestamptz not null
);
create table contests.contest_results (
    contest_id         uuid        not null references contests.evaluations,
    place              integer     not null check (place > 0),
    wallet             text        not null,
    balance_micros     bigint      not null check (balance_micros >= 0),
    win_rate_ppm       integer,
    profitable_trades  integer     not null,
    average_profit_micros bigint,
    biggest_win_micros bigint,
    time_in_profit_s   integer     not null,
    first_profit_at    timestamptz,
    profit_micros      bigint      not null,
    payout_lamports    bigint      not null default 0 check (payout_lamports >= 0),
    primary key (contest_id, place),
    unique (contest_id, wallet)
);
create index contest_results_wallet on contests.contest_results (wallet);
reset role;

-- Those who are not its owner and still move a contest: one its state, the other its wallet.
grant update (state, reason, moved_at) on contests.contests to counterpart_contests_evaluation;
grant update (wallet, moved_at) on contests.contests to counterpart_contests_wallets;

-- migrate:down

drop table contests.contest_results;
drop table contests.evaluations;
drop table contests.snapshots;
drop table contests.trades;
drop table contests.portfolios;
drop table contests.entries;
drop table contests.contests;
drop table contests.templates;
drop schema contests;
