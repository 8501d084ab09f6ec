-- migrate:up

set local role counterpart_oracle;

-- What the sources of a feed looked like beside each other when it was decided, and what the model made of it. With the
-- model of that version the row gives the same vetoes again; without one it is what the next model is trained with.
create table oracle.judgements (
    voting_round  bigint      not null,
    symbol        text        not null,
    decided_at    timestamptz not null,
    model_version integer     check (model_version > 0),  -- null: there was none in force
    form          smallint    not null,                   -- of the features: which they are, and how they are computed
    sources       text[]      not null,                   -- ascending
    features      bytea       not null,                   -- a row a source, float32, little-endian
    suspects      jsonb       not null,                   -- source -> [how far below a limit, in millionths, aspects]
    vetoed        text[]      not null,
    primary key (voting_round, symbol, decided_at),
    check (vetoed <@ sources)
) partition by range (decided_at);
create table oracle.judgements_default partition of oracle.judgements default;

-- Models of anomalies. A row never changes.
create table oracle.anomaly_models (
    version       integer     primary key check (version > 0),
    business_key  text        not null unique,            -- of the job that grew it
    form          smallint    not null,
    trained_from  timestamptz not null,
    trained_until timestamptz not null check (trained_until > trained_from),
    arguments     jsonb       not null,                   -- of the job
    grown         jsonb       not null,                   -- the job's result
    forest        bytea       not null,
    forest_sha256 bytea       not null check (octet_length(forest_sha256) = 32),
    trial         jsonb       not null,                   -- attack -> [tried, suspected, kept out], and the false ones
    precision_ppm integer     not null check (precision_ppm between 0 and 1000000),
    recall_ppm    integer     not null check (recall_ppm between 0 and 1000000),
    is_sound      boolean     not null,                   -- it passed its trial
    stored_at     timestamptz not null
);

-- Which model is in force, newest last: only ever added to.
create table oracle.anomaly_choices (
    id        bigint      generated always as identity primary key,
    version   integer     references oracle.anomaly_models,  -- null: none, nobody is vetoed
    is_pinned boolean     not null,                          -- a new model does not replace it
    actor     text        not null,
    reason    text        not null,
    chosen_at timestamptz not null
);

reset role;

insert into kernel.partitioned_tables (table_name, keep_days) values ('oracle.judgements', 30);

-- migrate:down

delete from kernel.partitioned_tables where table_name = 'oracle.judgements';
drop table oracle.anomaly_choices;
drop table oracle.anomaly_models;
drop table oracle.judgements;
