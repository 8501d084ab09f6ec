-- migrate:up

-- A wallet that one administrator wants to be one, too, until another agrees or its time is over.
create table kernel.administrators_wanted (
    subject    text        primary key check (subject ~ '^(evm:0x[0-9a-fA-F]{40}|solana:[1-9A-HJ-NP-Za-km-z]{32,44})$'),
    tier       text        not null check (tier in ('public', 'internal', 'paid', 'admin')),
    asked_by   text        not null check (length(asked_by) between 1 and 200),
    asked_at   timestamptz not null,
    expires_at timestamptz not null check (expires_at > asked_at)
);

grant select, insert, update, delete on kernel.administrators_wanted to counterpart_ops;

-- migrate:down

drop table kernel.administrators_wanted;
