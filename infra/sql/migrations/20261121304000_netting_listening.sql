-- migrate:up

set local role counterpart_netting;

-- A batch that the program has settled and nobody here has made: somebody else signs as the authority.
create table netting.foreign_batches (
    chain_batch numeric(20, 0) primary key,
    reason      text        not null,
    batch_hash  bytea       not null check (octet_length(batch_hash) = 32),
    items       bigint      not null,
    wallets     bigint      not null,
    slot        bigint      not null,
    signature   text        not null,
    seen_at     timestamptz not null
);

-- Where the books and the chain differ, as long as they do so by the same amounts.
create table netting.differences (
    id              bigint         generated always as identity primary key,
    subject         text           not null,       -- a wallet; "outside", what all wallets have; "clearing", what none has
    booked_lamports numeric(30, 0) not null,
    chain_lamports  numeric(30, 0) not null,
    slot            bigint         not null,       -- of the chain's oldest reading behind it
    seen_at         timestamptz    not null,
    confirmed_at    timestamptz,                   -- a later turn found the same: it is told as an alarm
    ended_at        timestamptz,
    check (booked_lamports <> chain_lamports)
);
create unique index differences_open on netting.differences (subject) where ended_at is null;

-- Readings are renewed, the oldest first.
create index wallet_balances_read on netting.wallet_balances (read_at);
create index item_ownership_read on netting.item_ownership (read_at) where owner is not null;
-- By the numbers of one settlement.
create index intents_settlement on netting.intents (batch, settlement) where batch is not null;
reset role;

-- migrate:down

drop index netting.intents_settlement;
drop index netting.item_ownership_read;
drop index netting.wallet_balances_read;
drop table netting.differences;
drop table netting.foreign_batches;
