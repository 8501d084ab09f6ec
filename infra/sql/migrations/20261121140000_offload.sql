-- migrate:up

-- Computations that may run elsewhere. kernel/offload/lifecycle.py tells what each state means and which follows which.
create table kernel.offload_jobs (
    id             uuid        primary key,
    business_key   text        not null unique check (length(business_key) between 1 and 200),
    service        text        not null check (service ~ '^[a-z][a-z0-9_]{0,30}$'),
    function       text        not null check (function ~ '^[a-z][a-z0-9_]{0,62}$'),
    arguments      jsonb       not null
        check (jsonb_typeof(arguments) = 'object' and octet_length(arguments::text) <= 65536),
    input_sha256   bytea       check (octet_length(input_sha256) = 32),
    input_bytes    bigint      check (input_bytes >= 0),
    work           jsonb       not null check (jsonb_typeof(work) = 'object'),
    poll_kind      text        not null check (poll_kind ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    then_kind      text        check (then_kind ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    attempts_max   integer     not null check (attempts_max between 1 and 20),
    valid_until    timestamptz,
    state          text        not null default 'recorded'
        check (state in ('recorded', 'called', 'running', 'completed', 'failed')),
    attempt        integer     not null default 0 check (attempt >= 0),
    result         jsonb       check (jsonb_typeof(result) = 'object' and octet_length(result::text) <= 65536),
    output_key     text,
    output_sha256  bytea       check (octet_length(output_sha256) = 32),
    output_bytes   bigint      check (output_bytes >= 0),
    reason         text        check (length(reason) <= 2000),
    correlation_id text,
    recorded_at    timestamptz not null,
    changed_at     timestamptz not null,
    ended_at       timestamptz,
    check ((input_sha256 is null) = (input_bytes is null)),
    check ((output_key is null) = (output_sha256 is null) and (output_key is null) = (output_bytes is null)),
    check ((state = 'completed') = (result is not null)),
    check (state = 'completed' or output_key is null),
    check ((state in ('completed', 'failed')) = (ended_at is not null))
);
-- What is under way, oldest first (ids are in the order of time).
create index offload_jobs_open on kernel.offload_jobs (id) where ended_at is null;

-- One call of a function, written down before it is made; so one without a call id may have been made, or not.
create table kernel.offload_attempts (
    job_id      uuid        not null references kernel.offload_jobs (id),
    attempt     integer     not null check (attempt >= 1),
    provider    text        not null check (provider in ('in_process', 'modal')),
    estimate_ms bigint      not null check (estimate_ms >= 0),
    price_microusd bigint   not null check (price_microusd >= 0),
    fence       bigint      not null,
    begun_at    timestamptz not null,
    give_up_at  timestamptz not null,
    call_id     text        check (length(call_id) between 1 and 200),
    hinted_at   timestamptz,  -- when its completion was announced; it counts once
    ended_at    timestamptz,
    outcome     text        check (outcome in ('completed', 'refused', 'unfit', 'failed', 'expired', 'timed_out', 'lost',
                                               'not_made')),
    error       text        check (length(error) <= 2000),
    primary key (job_id, attempt),
    check ((ended_at is null) = (outcome is null))
);

-- What was asked for can never be changed, only what became of it.
grant select, insert on kernel.offload_jobs, kernel.offload_attempts to counterpart_slice;
grant update (state, attempt, result, output_key, output_sha256, output_bytes, reason, changed_at, ended_at)
    on kernel.offload_jobs to counterpart_slice;
grant update (call_id, hinted_at, ended_at, outcome, error) on kernel.offload_attempts to counterpart_slice;

-- migrate:down

drop table kernel.offload_attempts;
drop table kernel.offload_jobs;
