-- migrate:up

-- One dependency as it stands now. kernel/breaker/lifecycle.py tells what each state means and which follows which.
-- Whoever decides about a circuit locks its row, so that of many callers exactly one is the probe.
create table kernel.breakers (
    dependency text          primary key check (dependency ~ '^[a-z]' and length(dependency) <= 200),
    state      text          not null default 'initializing'
               check (state in ('initializing', 'active', 'degraded', 'circuit_open', 'recovering')),
    version    bigint        not null default 0 check (version >= 0),  -- raised by every write; the probe's token
    failures   timestamptz[] not null default '{}',                    -- those that count, oldest first
    trips      bigint        not null default 0 check (trips >= 0),    -- how often it opened or was reset
    changed_at timestamptz,                                            -- of the state
    due_at     timestamptz,                                            -- what the state waits for
    check ((state in ('circuit_open', 'recovering', 'degraded')) = (due_at is not null))
);

-- Every change that ever was. Ids are handed out in commit order (the writer holds an advisory lock until its commit),
-- so that a reader who remembers the last id misses nothing.
create table kernel.breaker_changes (
    id         bigint      generated always as identity primary key,
    dependency text        not null references kernel.breakers (dependency),
    version    bigint      not null,
    from_state text        not null,
    to_state   text        not null,
    event      text        not null
               check (event in ('confirm', 'slip', 'trip', 'heal', 'probe', 'close', 'relapse', 'return', 'reset')),
    reason     text        not null check (length(reason) <= 500),
    actor      text        not null check (length(actor) between 1 and 200),
    changed_at timestamptz not null,
    -- However many containers saw it: one change, one row.
    unique (dependency, version)
);

grant select, insert, update on kernel.breakers to counterpart_slice;
-- Nobody rewrites what was.
grant select, insert on kernel.breaker_changes to counterpart_slice;

-- migrate:down

drop table kernel.breaker_changes;
drop table kernel.breakers;
