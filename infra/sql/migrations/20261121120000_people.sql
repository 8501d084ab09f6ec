-- migrate:up

-- What a person who signs in with a wallet may do; whoever has no row may what every wallet may (viewer).
create table kernel.people (
    subject    text        primary key check (subject ~ '^(evm:0x[0-9a-fA-F]{40}|solana:[1-9A-HJ-NP-Za-km-z]{32,44})$'),
    role       text        not null check (role in ('nobody', 'viewer', 'operator', 'admin')),
    tier       text        not null check (tier in ('public', 'internal', 'paid', 'admin')),
    granted_by text        not null check (length(granted_by) between 1 and 200),
    changed_at timestamptz not null
);

grant select on kernel.people to counterpart_slice;
grant insert, update, delete on kernel.people to counterpart_ops;

-- migrate:down

drop table kernel.people;
