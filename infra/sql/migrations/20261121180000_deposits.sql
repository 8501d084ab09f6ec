-- migrate:up

-- Where money from outside comes to a wallet so that a chain can tell of it: a contract that logs each deposit (EVM), or
-- the wallet itself (Solana, where every transaction names the accounts it touches). What is at least `least` goes on
-- to `forward_to`; null keeps it.
create table kernel.treasury_inlets (
    watch       text           primary key,  -- its name among the watches
    chain       text           not null,
    address     text           not null,
    wallet      text           not null,
    forward_to  text,
    least       numeric(78, 0) not null check (least > 0),
    start_block bigint         not null check (start_block >= 0),
    declared_at timestamptz    not null,
    unique (chain, address),
    foreign key (chain, wallet) references kernel.treasury_wallets (chain, address),
    check (forward_to <> wallet)
);

-- One deposit that is final on its chain, and is in the books.
create table kernel.treasury_deposits (
    key            text           primary key check (length(key) between 1 and 160),
    event          text           not null,  -- the identity under which it was told
    chain          text           not null,
    wallet         text           not null,
    amount         numeric(78, 0) not null check (amount > 0),
    block          bigint         not null,
    transaction_id text           not null,
    forward_to     text,                     -- as its inlet said when it was booked
    booked_at      timestamptz    not null,
    foreign key (chain, wallet) references kernel.treasury_wallets (chain, address)
);
create index treasury_deposits_wallet on kernel.treasury_deposits (chain, wallet, block);
create index treasury_deposits_event on kernel.treasury_deposits (event);

-- What is forwarded is a transfer under its deposit's key.
alter table kernel.treasury_transfers
    drop constraint treasury_transfers_kind_check,
    add constraint treasury_transfers_kind_check check (kind in ('transfer', 'top_up', 'forward')),
    drop constraint treasury_transfers_key_check,
    add constraint treasury_transfers_key_check check (length(key) between 1 and 160);

grant select on kernel.treasury_inlets, kernel.treasury_deposits to counterpart_slice;
grant insert, update (forward_to, least) on kernel.treasury_inlets to counterpart_ops;
grant insert on kernel.treasury_deposits to counterpart_ops;

-- migrate:down

drop table kernel.treasury_deposits;
drop table kernel.treasury_inlets;
alter table kernel.treasury_transfers
    drop constraint treasury_transfers_kind_check,
    add constraint treasury_transfers_kind_check check (kind in ('transfer', 'top_up')),
    drop constraint treasury_transfers_key_check,
    add constraint treasury_transfers_key_check check (length(key) between 1 and 150);
