-- migrate:up

-- API keys: the key itself is shown once and never stored.
create table kernel.api_keys (
    prefix     text        primary key check (prefix ~ '^[A-Za-z0-9]{12}$'),
    key_hash   bytea       not null unique check (octet_length(key_hash) = 32),  -- SHA-256 of the whole key
    tier       text        not null check (tier in ('internal', 'public', 'paid', 'admin')),
    role       text        not null check (role in ('viewer', 'operator', 'admin')),
    label      text        not null check (length(label) between 1 and 200),
    created_at timestamptz not null,
    revoked_at timestamptz check (revoked_at >= created_at)
);

-- Nonces of wallet sign-ins: a row is deleted by its one use.
create table kernel.nonces (
    nonce      text        primary key check (length(nonce) between 8 and 64),
    purpose    text        not null check (length(purpose) between 1 and 40),
    expires_at timestamptz not null
);
create index nonces_expiring on kernel.nonces (expires_at);

-- Every slice knows its callers; only ops makes and revokes keys.
grant select on kernel.api_keys to counterpart_slice;
grant insert, update on kernel.api_keys to counterpart_ops;
grant select, insert, delete on kernel.nonces to counterpart_slice;

-- migrate:down

drop table kernel.nonces;
drop table kernel.api_keys;
