-- migrate:up

-- What a settled transaction took from its payer beside the fee: rent, for instance. Below 0: what the payer got.
alter table kernel.solana_outbox add column spent_lamports bigint;
grant update (spent_lamports) on kernel.solana_outbox to counterpart_slice;

-- What a settled transfer moved beside its fee; below 0: what its sender got. A call may move what nobody could name
-- when it was asked for, as long as its reserve covers that.
alter table kernel.treasury_transfers add column paid numeric(78, 0);
grant update (paid) on kernel.treasury_transfers to counterpart_ops, counterpart_bridge;
grant insert, update (state, block, transaction_id, fee, paid, settled_at) on kernel.treasury_transfers
    to counterpart_netting;

set local role counterpart_netting;

-- Each obligation that was recorded for a settlement: one an attempt, or of one in parts one a step of an attempt.
create table netting.settlement_attempts (
    batch       uuid        not null,
    ordinal     integer     not null,
    attempt     integer     not null check (attempt > 0),
    step        integer     not null check (step >= 0),
    chain_batch bigint      not null check (chain_batch > 0),
    transfer    text        not null unique,           -- key of kernel.treasury_transfers
    ended       text        check (ended in ('confirmed', 'failed', 'cancelled')),
    reason      text,                                  -- of one that did not succeed
    recorded_at timestamptz not null,
    primary key (batch, ordinal, attempt, step),
    foreign key (batch, ordinal) references netting.settlements (batch, ordinal),
    check (ended is null or (ended = 'confirmed') = (reason is null))
);
create index settlement_attempts_chain_batch on netting.settlement_attempts (chain_batch);

-- A wallet whose ledger the program must have before anything is credited to it.
create table netting.ledgers (
    wallet    text        primary key,
    openings  integer     not null default 0 check (openings >= 0),  -- how often we asked for it
    transfer  text,                                    -- key of kernel.treasury_transfers: on its way
    opened_at timestamptz                              -- seen on the chain, final; ledgers are never closed
);
create index ledgers_transfer on netting.ledgers (transfer) where transfer is not null;

-- The root of a batch's state, told to the program; numbers ascend there, so one at a time is on its way.
create table netting.state_roots (
    number    bigint      primary key check (number > 0),
    batch     uuid        not null unique references netting.batches,
    state     text        not null default 'sent' check (state in ('sent', 'settled', 'failed')),
    attempt   integer     not null default 1 check (attempt > 0),
    transfer  text        not null,                    -- key of kernel.treasury_transfers
    signature text,
    moved_at  timestamptz not null
);

-- Whose accounts are in lookup tables, and which transaction adds them.
alter table netting.lookup_members
    add column kind     text not null check (kind in ('item', 'wallet')),
    add column subject  text not null,                 -- the item's id, or the wallet
    add column wanted   bigint generated always as identity,  -- who came first is added first
    add column failures integer not null default 0 check (failures >= 0),
    add column transfer text,                          -- key of kernel.treasury_transfers: on its way
    add constraint lookup_members_subject unique (kind, subject);
alter table netting.lookup_tables add column transfers integer not null default 0 check (transfers >= 0);
create index lookup_members_transfer on netting.lookup_members (transfer) where transfer is not null;
create index lookup_members_wanted on netting.lookup_members (wanted) where address is null;
reset role;

-- migrate:down

drop table netting.state_roots;
drop table netting.ledgers;
drop table netting.settlement_attempts;
alter table netting.lookup_tables drop column transfers;
alter table netting.lookup_members drop column transfer, drop column failures, drop column wanted, drop column subject, drop column kind;
revoke insert, update (state, block, transaction_id, fee, paid, settled_at) on kernel.treasury_transfers
    from counterpart_netting;
alter table kernel.treasury_transfers drop column paid;
alter table kernel.solana_outbox drop column spent_lamports;
