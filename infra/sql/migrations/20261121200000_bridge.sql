-- migrate:up

create schema bridge authorization counterpart_bridge;
set local role counterpart_bridge;

-- What an escrow says of a deposit, and what became of it (functions/bridge/core/order.py). A reorganisation of the
-- origin may give an id to another deposit when ours of it is committed already: that is its next generation.
create table bridge.orders (
    origin           text           not null check (origin ~ '^[a-z][a-z0-9-]{0,19}$'),
    order_id         numeric(78, 0) not null check (order_id >= 0),
    generation       integer        not null check (generation >= 1),
    recipient        numeric(78, 0) not null check (recipient >= 0),  -- a word: an escrow keeps whatever it was given
    amount_wei       numeric(78, 0) not null check (amount_wei >= 0),
    fee_wei          numeric(78, 0) not null check (fee_wei >= 0),
    block_number     bigint         not null check (block_number >= 0),
    block_hash       bytea          not null,
    transaction_hash bytea          not null,
    state            text           not null default 'pending' check (state in (
                         'pending', 'processing', 'transferring', 'fulfilled', 'proving', 'proved', 'completed',
                         'dropped')),
    reason           text,                             -- why it waits, or was dropped
    round            integer        not null default 1 check (round >= 1),   -- of decisions; a fill is of one round
    claims           integer        not null default 0 check (claims >= 0),  -- how often it was claimed
    wakes            integer        not null default 0 check (wakes >= 0),   -- how often its step was asked for anew
    decision         jsonb,                            -- the newest, with what it was made from
    decided_at       timestamptz,
    is_failed        boolean        not null default false,
    is_parked        boolean        not null default false,  -- a person has to look at it
    attempts         integer        not null default 0 check (attempts >= 0),  -- that failed since one succeeded
    next_attempt_at  timestamptz,
    gone_at          timestamptz,                      -- since when the deposit is not found on its chain
    losses           integer        not null default 0 check (losses >= 0),  -- how often it was posted as lost
    is_lost          boolean        not null default false,                  -- and was not taken back since
    fill_hash        bytea,                            -- of the final transaction that paid
    fill_block       bigint,
    close_hash       bytea,                            -- of the origin's transaction that repaid
    close_block      bigint,
    seen_at          timestamptz    not null,
    moved_at         timestamptz    not null,
    primary key (origin, order_id, generation),
    check (not is_parked or is_failed),
    check ((state = 'completed') = (close_block is not null)),
    check (gone_at is null or state not in ('completed', 'dropped')),
    check (not is_lost or losses > 0)
);
-- What is promised and not repaid, for the limits; what is to be claimed; what is to be tried again; pages.
create index orders_exposed on bridge.orders (origin, recipient)
    where state in ('processing', 'transferring', 'fulfilled', 'proving', 'proved');
create index orders_claimable on bridge.orders (origin, moved_at) where state = 'fulfilled';
create index orders_open on bridge.orders (moved_at) where state not in ('completed', 'dropped');
create index orders_seen on bridge.orders (seen_at desc, origin, order_id desc, generation desc);

-- Every step of an order's life; rows are only ever added.
create table bridge.order_history (
    id             bigint         generated always as identity primary key,
    origin         text           not null,
    order_id       numeric(78, 0) not null,
    generation     integer        not null,
    event          text           not null,
    state_left     text,                               -- null for its first row
    state          text           not null,
    details        jsonb          not null default '{}',
    correlation_id text,
    happened_at    timestamptz    not null,
    foreign key (origin, order_id, generation) references bridge.orders (origin, order_id, generation)
);
create index order_history_order on bridge.order_history (origin, order_id, generation, id);

-- Every failure of a step; rows are only ever added.
create table bridge.order_errors (
    id             bigint         generated always as identity primary key,
    origin         text           not null,
    order_id       numeric(78, 0) not null,
    generation     integer        not null,
    state          text           not null,            -- in which it failed
    code           text           not null,
    message        text           not null,
    correlation_id text,
    happened_at    timestamptz    not null,
    foreign key (origin, order_id, generation) references bridge.orders (origin, order_id, generation)
);
create index order_errors_order on bridge.order_errors (origin, order_id, generation, id);

-- One order's part in one transaction of ours: alone in its fill, alone or with others in a claim. What the transaction
-- cost is shared evenly; the first orders bear the remainder.
create table bridge.order_transfers (
    transfer   text           not null,                -- key of kernel.treasury_transfers
    ordinal    integer        not null check (ordinal >= 0),
    parts      integer        not null check (parts > ordinal),
    purpose    text           not null check (purpose in ('fill', 'claim')),
    origin     text           not null,
    order_id   numeric(78, 0) not null,
    generation integer        not null,
    primary key (transfer, ordinal),
    unique (transfer, origin, order_id, generation),
    foreign key (origin, order_id, generation) references bridge.orders (origin, order_id, generation)
);
create index order_transfers_order on bridge.order_transfers (origin, order_id, generation);
reset role;

-- A service's own transaction, whatever it calls, may move nothing but its fee.
alter table kernel.treasury_transfers
    drop constraint treasury_transfers_kind_check,
    add constraint treasury_transfers_kind_check check (kind in ('transfer', 'top_up', 'forward', 'call')),
    drop constraint treasury_transfers_amount_check,
    add constraint treasury_transfers_amount_check check (amount > 0 or (amount = 0 and kind = 'call'));
grant insert, update (state, block, transaction_id, fee, settled_at) on kernel.treasury_transfers to counterpart_bridge;
-- Repayments on an origin are booked where they are proved. The columns are those of a difference that one explains.
grant insert on kernel.treasury_deposits to counterpart_bridge;
grant update (verdict, difference, reason, unsettled_since) on kernel.treasury_wallets to counterpart_bridge;

-- migrate:down

revoke update (verdict, difference, reason, unsettled_since) on kernel.treasury_wallets from counterpart_bridge;
revoke insert on kernel.treasury_deposits from counterpart_bridge;
revoke insert, update (state, block, transaction_id, fee, settled_at) on kernel.treasury_transfers from counterpart_bridge;
alter table kernel.treasury_transfers
    drop constraint treasury_transfers_kind_check,
    add constraint treasury_transfers_kind_check check (kind in ('transfer', 'top_up', 'forward')),
    drop constraint treasury_transfers_amount_check,
    add constraint treasury_transfers_amount_check check (amount > 0);
drop table bridge.order_transfers;
drop table bridge.order_errors;
drop table bridge.order_history;
drop table bridge.orders;
drop schema bridge;
