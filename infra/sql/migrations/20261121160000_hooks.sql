-- migrate:up

-- What the slices watch on the chains: a webhook's delivery about anything else is dropped. A row says what a cursor's
-- watch of the same name says, so that both tell the same events.
create table kernel.watched_contracts (
    watch     text        primary key check (watch ~ '^[a-z][a-z0-9_.:-]{0,79}$'),
    chain     text        not null
        check (chain ~ '^(evm:[1-9][0-9]{0,18}|solana:(mainnet|devnet|testnet|localnet))$'),
    addresses text[]      not null check (cardinality(addresses) >= 1),
    kind      text        not null check (kind ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    terms     jsonb       not null,  -- topics and first block, or what of a program and from which slot
    since     timestamptz not null
);
create index watched_contracts_addresses on kernel.watched_contracts using gin (addresses);

grant select, insert, update, delete on kernel.watched_contracts to counterpart_slice;

-- migrate:down

drop table kernel.watched_contracts;
