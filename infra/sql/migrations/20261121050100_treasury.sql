-- migrate:up

-- Every time a person halted a service or let it go on. Rows are only added: the newest version says how it stands.
create table kernel.service_switches (
    service    text        not null check (service ~ '^[a-z][a-z0-9_]*$'),
    version    integer     not null check (version >= 1),
    halted     boolean     not null,
    actor      text        not null check (length(actor) between 1 and 200),
    reason     text        not null check (length(reason) between 1 and 1000),
    changed_at timestamptz not null,
    primary key (service, version)
);

-- How a service stands, for a transaction that is about to owe something. The shared lock is kept until that
-- transaction ends, and a halt takes it alone: when a halt has returned, nothing more is owed. The lock and the look
-- are two statements, because a statement does not see what was committed while it waited.
create function kernel.require_switch(wanted text) returns setof kernel.service_switches
language plpgsql volatile set search_path = pg_catalog as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('kernel.service_switches/' || wanted, 0));
    return query select s.* from kernel.service_switches s where s.service = wanted order by s.version desc limit 1;
end
$$;
revoke execute on function kernel.require_switch(text) from public;

-- One wallet of an operator. `opened_*` say what the books began with: the block of the first reading, the balance and
-- the transaction count there. `checked_nonce` moves on behind what is known to be booked.
create table kernel.treasury_wallets (
    chain           text           not null check (chain ~ '^(evm:[1-9][0-9]{0,18}|solana:[a-z]{1,20})$'),
    address         text           not null check (length(address) between 32 and 44),
    service         text           not null check (service ~ '^[a-z][a-z0-9_]*$'),
    floor           numeric(78, 0) not null check (floor >= 0),
    target          numeric(78, 0) not null,
    funded_by       text,
    declared_at     timestamptz    not null,
    opened_at       timestamptz,
    opened_block    bigint,
    opened_balance  numeric(78, 0) check (opened_balance >= 0),
    checked_nonce   bigint,
    read_at         timestamptz,
    read_block      bigint,
    chain_balance   numeric(78, 0),
    verdict         text           check (verdict in ('balanced', 'pending', 'difference')),
    difference      numeric(78, 0),
    reason          text,
    unsettled_since timestamptz,   -- since when the verdict is pending
    alarms          text[]         not null default '{}',  -- what needs a person; each is cleared when it passes
    primary key (chain, address),
    foreign key (chain, funded_by) references kernel.treasury_wallets (chain, address),
    check (target >= floor),
    check (funded_by <> address),
    check ((opened_at is null) = (opened_block is null) and (opened_at is null) = (opened_balance is null)),
    check (opened_at is not null or verdict is null)
);

-- One movement of a wallet's own coin, from the request to its end.
create table kernel.treasury_transfers (
    key            text           primary key check (length(key) between 1 and 150),
    kind           text           not null check (kind in ('transfer', 'top_up')),
    service        text           not null,
    chain          text           not null,
    sender         text           not null,
    recipient      text           not null,
    amount         numeric(78, 0) not null check (amount > 0),
    reserve        numeric(78, 0) not null check (reserve >= 0),  -- set aside for the fee
    entry_id       uuid           not null unique,                -- of the chain family's outbox
    actor          text           not null,
    reason         text           not null,
    state          text           not null default 'open' check (state in ('open', 'confirmed', 'failed', 'cancelled')),
    block          bigint,
    transaction_id text,
    fee            numeric(78, 0),
    recorded_at    timestamptz    not null,
    settled_at     timestamptz,
    foreign key (chain, sender) references kernel.treasury_wallets (chain, address),
    check ((state = 'open') = (settled_at is null) and (state = 'open') = (fee is null)),
    check (sender <> recipient)
);
-- At most one top-up of a wallet is on its way.
create unique index treasury_top_up_open on kernel.treasury_transfers (chain, recipient)
    where kind = 'top_up' and state = 'open';
create index treasury_transfers_recipient on kernel.treasury_transfers (chain, recipient, block);
create index treasury_transfers_sender on kernel.treasury_transfers (chain, sender, block);

-- What a reconciliation found, one row whenever it is not what the one before found.
create table kernel.treasury_readings (
    id            bigint         generated always as identity primary key,
    chain         text           not null,
    address       text           not null,
    block         bigint         not null,
    chain_balance numeric(78, 0) not null,
    expected      numeric(78, 0) not null,
    verdict       text           not null check (verdict in ('balanced', 'pending', 'difference')),
    difference    numeric(78, 0) not null,
    reason        text           not null,
    read_at       timestamptz    not null,
    foreign key (chain, address) references kernel.treasury_wallets (chain, address)
);
create index treasury_readings_wallet on kernel.treasury_readings (chain, address, id);

grant select on kernel.service_switches to counterpart_slice;
grant execute on function kernel.require_switch(text) to counterpart_slice;
-- Persons halt and resume through the ops slice; nobody rewrites what was.
grant insert on kernel.service_switches to counterpart_ops;

grant select on kernel.treasury_wallets, kernel.treasury_transfers, kernel.treasury_readings to counterpart_slice;
grant insert, update on kernel.treasury_wallets to counterpart_ops;
-- What was asked for can never be changed, only what became of it.
grant insert, update (state, block, transaction_id, fee, settled_at) on kernel.treasury_transfers to counterpart_ops;
grant insert on kernel.treasury_readings to counterpart_ops;

-- migrate:down

drop table kernel.treasury_readings;
drop table kernel.treasury_transfers;
drop table kernel.treasury_wallets;
drop function kernel.require_switch(text);
drop table kernel.service_switches;
