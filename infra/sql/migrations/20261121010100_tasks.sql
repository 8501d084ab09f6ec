-- migrate:up

-- Durable work. kernel/tasks/lifecycle.py tells what each state means and which follows which.
create table kernel.tasks (
    id             uuid        primary key,
    kind           text        not null check (kind ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$' and length(kind) <= 70),
    business_key   text        not null check (length(business_key) between 1 and 200),
    payload        jsonb       not null check (jsonb_typeof(payload) = 'object'),
    state          text        not null default 'ready'
                               check (state in ('ready', 'leased', 'done', 'skipped', 'dropped', 'parked')),
    run_at         timestamptz not null,
    expires_at     timestamptz,
    resend_s       integer[]   not null default '{}',
    attempt        integer     not null default 0 check (attempt >= 0),
    attempts_max   integer     not null check (attempts_max between 1 and 1000),
    fence          bigint      not null default 0 check (fence >= 0),
    lease_owner    text,
    lease_until    timestamptz,
    sweep_at       timestamptz not null,
    correlation_id text,
    result         jsonb,
    error_code     text,
    error          text,
    created_at     timestamptz not null,
    changed_at     timestamptz not null,
    finished_at    timestamptz,
    unique (kind, business_key),
    check ((state = 'leased') = (lease_until is not null)),
    check ((state = 'leased') = (lease_owner is not null)),
    check ((state in ('done', 'skipped', 'dropped', 'parked')) = (finished_at is not null)),
    check (attempt <= attempts_max)
);
-- The sweeper walks each kind's share of what is open, oldest first.
create index tasks_open on kernel.tasks (kind, sweep_at) where state in ('ready', 'leased');
-- Windows that closed without a worker.
create index tasks_expiring on kernel.tasks (expires_at) where state in ('ready', 'leased') and expires_at is not null;
-- Operators look at parked tasks, newest first (ids are in the order of time); retention removes the other finished ones, oldest first.
create index tasks_parked on kernel.tasks (id) where state = 'parked';
create index tasks_finished on kernel.tasks (finished_at) where state in ('done', 'skipped', 'dropped');
-- The trace of a business key crosses kinds.
create index tasks_business_key on kernel.tasks (business_key);

-- What happened to a task, one row for each value of its fencing token.
create table kernel.task_attempts (
    task_id    uuid        not null references kernel.tasks (id) on delete cascade,
    fence      bigint      not null,
    attempt    integer     not null,
    owner      text        not null,
    started_at timestamptz not null,
    ended_at   timestamptz,
    outcome    text        check (outcome in ('done', 'retried', 'skipped', 'dropped', 'parked', 'lost', 'replayed')),
    error_code text,
    error      text,
    primary key (task_id, fence),
    check ((ended_at is null) = (outcome is null))
);

-- Messages that reached a dead-letter queue, and what was done about each.
create table kernel.dead_letters (
    id          uuid        primary key,
    queue       text        not null,
    message_id  text        not null,
    body        text        not null check (length(body) <= 262144),
    attributes  jsonb       not null default '{}',
    received_at timestamptz not null,
    task_id     uuid,
    verdict     text        not null check (verdict in ('parked', 'already_finished', 'still_open', 'no_task')),
    replayed_at timestamptz,
    replayed_by text,
    unique (queue, message_id),
    check ((replayed_at is null) = (replayed_by is null))
);

grant select, insert, update on kernel.tasks, kernel.task_attempts to counterpart_slice;
grant delete on kernel.tasks, kernel.task_attempts to counterpart_ops;
grant select, insert, update, delete on kernel.dead_letters to counterpart_ops;

-- migrate:down

drop table kernel.dead_letters;
drop table kernel.task_attempts;
drop table kernel.tasks;
