-- migrate:up

set local role counterpart_oracle;

-- Up to which round observations were asked for; at most one row.
create table oracle.observation_asked (
    is_only      boolean primary key default true check (is_only),
    voting_round bigint  not null
);

-- A reward epoch as far as its finished rounds were observed. Its row is locked first by whoever adds a round to it.
create table oracle.observed_epochs (
    reward_epoch bigint  primary key,
    first_round  bigint  not null,  -- by its signing policy
    ourselves    text    not null,  -- our submit address, registered or not
    rounds       integer not null default 0 check (rounds >= 0),     -- observed
    finalised    integer not null default 0 check (finalised >= 0),  -- of them
    newest_round bigint  not null
);

-- A voter of a reward epoch as the chain registered it, and what the observed rounds add up to. Addresses are lower-case.
create table oracle.voters (
    reward_epoch      bigint   not null,
    submit_address    text     not null,
    position          smallint not null check (position >= 0),  -- in the signing policy
    identity          text     not null,
    delegation        text     not null,
    fee_bips          integer  not null check (fee_bips between 0 and 10000),
    signing_weight    integer  not null check (signing_weight >= 0),
    delegated_wei     numeric  not null check (delegated_wei >= 0),
    capped_wei        numeric  not null check (capped_wei >= 0),
    rounds            integer  not null default 0 check (rounds >= 0),
    faulty_rounds     integer  not null default 0 check (faulty_rounds between 0 and rounds),
    hits              bigint   not null default 0 check (hits >= 0),               -- votes close to the median
    possible          bigint   not null default 0 check (possible >= hits),        -- rounds times feeds
    votes             bigint   not null default 0 check (votes between hits and possible),
    deviation_ppm     numeric  not null default 0 check (deviation_ppm >= 0),      -- the sum over all votes
    primary key (reward_epoch, submit_address),
    unique (reward_epoch, position)
);

-- What one finished voting round showed.
create table oracle.observed_rounds (
    voting_round       bigint      primary key,
    reward_epoch       bigint      not null,
    message            bytea       check (octet_length(message) = 38),  -- finalised, or ours; null: no result
    finalised_at       timestamptz,                                     -- null: nobody did
    faulty_weight_bips integer     not null check (faulty_weight_bips between 0 and 10000),
    our_hits           integer,    -- null: we are not registered
    our_possible       integer,
    our_deviations_ppm bigint[]    not null,  -- signed, by feed; empty where we revealed nothing valid
    read_at_block      bigint      not null,
    observed_at        timestamptz not null
);

-- Who did what wrong in a round. What nobody did wrong has no row.
create table oracle.faults (
    voting_round   bigint  not null,
    submit_address text    not null,
    fault          text    not null,
    is_ours        boolean not null,
    reward_epoch   bigint  not null,
    primary key (voting_round, submit_address, fault)
);
create index faults_ours on oracle.faults (voting_round desc) where is_ours;

-- The same, counted.
create table oracle.fault_counts (
    reward_epoch   bigint  not null,
    submit_address text    not null,
    fault          text    not null,
    rounds         integer not null check (rounds > 0),
    primary key (reward_epoch, submit_address, fault)
);

-- What the addresses hold that pay for submissions, at the newest look.
create table oracle.payers (
    address        text    primary key,
    submit_address text    not null,  -- of the voter that it pays for
    is_ours        boolean not null,
    balance_wei    numeric not null check (balance_wei >= 0),
    is_low         boolean not null,
    read_at_block  bigint  not null
);

-- What needed a person, and until when.
create table oracle.alarms (
    id       bigint      generated always as identity primary key,
    alarm    text        not null,
    began_at timestamptz not null,
    ended_at timestamptz check (ended_at >= began_at)
);
create unique index alarms_standing on oracle.alarms (alarm) where ended_at is null;

reset role;

create or replace view kernel.service_alarms as
select unnest(alarms) as alarm from (select alarms from bridge.rebalances order by id desc limit 1) newest
union all
select 'bridge.parked' from bridge.orders where is_parked
union all
select 'bridge.lost' from bridge.orders where is_lost
union all
select 'cursor.' || alarm from bridge.starknet_cursors where alarm is not null
union all
select 'oracle.' || alarm from oracle.alarms where ended_at is null;

-- migrate:down

create or replace view kernel.service_alarms as
select unnest(alarms) as alarm from (select alarms from bridge.rebalances order by id desc limit 1) newest
union all
select 'bridge.parked' from bridge.orders where is_parked
union all
select 'bridge.lost' from bridge.orders where is_lost
union all
select 'cursor.' || alarm from bridge.starknet_cursors where alarm is not null;

drop table oracle.alarms;
drop table oracle.payers;
drop table oracle.fault_counts;
drop table oracle.faults;
drop table oracle.observed_rounds;
drop table oracle.voters;
drop table oracle.observed_epochs;
drop table oracle.observation_asked;
