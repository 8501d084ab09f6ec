-- migrate:up

-- What is pinned for which business key. The bytes lie in the bucket before a row says so; what a row says of its
-- content never changes, only which services are known to hold it.
create table kernel.pins (
    business_key text        primary key check (length(business_key) between 1 and 200),
    cid          text        not null check (cid ~ '^baf(krei|ybei)[a-z2-7]{52}$'),
    content_hash bytea       not null check (octet_length(content_hash) = 32),  -- SHA-256 of the plain content
    plain_bytes  integer     not null check (plain_bytes between 0 and 67108864),
    stored_bytes integer     not null check (stored_bytes between 0 and 33554432),
    media_type   text        not null check (length(media_type) between 3 and 100),
    encoding     text        not null check (encoding in ('identity', 'gzip', 'zstd')),
    wanted       smallint    not null check (wanted between 0 and 8),
    confirmed    text[]      not null default '{}' check (cardinality(confirmed) <= 8),
    state        text        not null generated always as (
        case
            when wanted > 0 and cardinality(confirmed) >= wanted then 'pinned'
            when cardinality(confirmed) > 0 then 'partial'
            else 'stored'
        end
    ) stored,
    created_at   timestamptz not null,
    changed_at   timestamptz not null
);
create index pins_cid on kernel.pins (cid);
-- What lacks copies, oldest first.
create index pins_lacking on kernel.pins (created_at) where wanted > cardinality(confirmed);

grant select, insert on kernel.pins to counterpart_slice;
grant update (confirmed, changed_at) on kernel.pins to counterpart_ops;

-- migrate:down

drop table kernel.pins;
