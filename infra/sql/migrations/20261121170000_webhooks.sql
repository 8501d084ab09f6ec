-- migrate:up

-- Where our own webhooks go. Secrets are sealed for their row alone (kernel/keys/envelope.py).
create table kernel.webhook_endpoints (
    id              uuid        primary key,
    owner           text        not null
        check (owner ~ '^(service:[a-z][a-z0-9_]*|person:(evm:0x[0-9a-fA-F]{40}|solana:[1-9A-HJ-NP-Za-km-z]{32,44}))$'),
    url             text        not null check (length(url) between 10 and 2000),
    topics          text[]      not null check (cardinality(topics) between 1 and 50),
    secret          bytea       not null,
    previous_secret bytea,                                        -- signs too, until
    previous_until  timestamptz,
    state           text        not null default 'enabled' check (state in ('enabled', 'disabled')),
    disabled_by     text        check (length(disabled_by) between 1 and 200),
    reason          text        check (length(reason) <= 500),    -- why it is disabled
    failures        integer     not null default 0 check (failures >= 0),  -- since the last success
    failing_since   timestamptz,
    paused_until    timestamptz,                                  -- nothing is sent to it before
    created_at      timestamptz not null,
    changed_at      timestamptz not null,                         -- its state, or its secret
    check ((previous_secret is null) = (previous_until is null)),
    check ((state = 'disabled') = (disabled_by is not null) and (state = 'disabled') = (reason is not null)),
    check ((failures = 0) = (failing_since is null))
);
create index webhook_endpoints_topics on kernel.webhook_endpoints using gin (topics) where state = 'enabled';

-- What is told, once under its topic and business key.
create table kernel.webhook_messages (
    id           uuid        primary key,
    topic        text        not null check (topic ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    business_key text        not null check (length(business_key) between 1 and 200),
    about        text,  -- the person whom it concerns; no other person is told
    contents     text        not null check (octet_length(contents) <= 65536),  -- JSON, as it is sent
    published_at timestamptz not null,
    unique (topic, business_key)
);
-- The trace of a business key crosses topics; retention removes the oldest.
create index webhook_messages_business_key on kernel.webhook_messages (business_key);
create index webhook_messages_published on kernel.webhook_messages (published_at);

-- What one endpoint has of one message. A resend begins another round.
create table kernel.webhook_deliveries (
    message_id  uuid        not null references kernel.webhook_messages (id) on delete cascade,
    endpoint_id uuid        not null references kernel.webhook_endpoints (id),
    state       text        not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    round       integer     not null default 1 check (round >= 1),
    attempts    integer     not null default 0 check (attempts >= 0),  -- of this round
    status      integer,    -- what the last attempt was answered
    problem     text,       -- or why it was not
    began_at    timestamptz not null,  -- the round
    tried_at    timestamptz,
    ended_at    timestamptz,
    primary key (message_id, endpoint_id),
    check ((state = 'pending') = (ended_at is null))
);
-- Operators read an endpoint's deliveries, newest first; what is pending is counted.
create index webhook_deliveries_endpoint on kernel.webhook_deliveries (endpoint_id, message_id);
create index webhook_deliveries_pending on kernel.webhook_deliveries (began_at) where state = 'pending';

-- A slice publishes in its own transaction: it sees who listens to what, and no address and no secret.
grant select (id, owner, topics, state) on kernel.webhook_endpoints to counterpart_slice;
grant select, insert on kernel.webhook_messages, kernel.webhook_deliveries to counterpart_slice;
grant select, insert on kernel.webhook_endpoints to counterpart_ops;
grant update (secret, previous_secret, previous_until, state, disabled_by, reason, failures, failing_since, paused_until, changed_at)
    on kernel.webhook_endpoints to counterpart_ops;
grant update (state, round, attempts, status, problem, began_at, tried_at, ended_at)
    on kernel.webhook_deliveries to counterpart_ops;
grant delete on kernel.webhook_messages to counterpart_ops;

-- migrate:down

drop table kernel.webhook_deliveries;
drop table kernel.webhook_messages;
drop table kernel.webhook_endpoints;
