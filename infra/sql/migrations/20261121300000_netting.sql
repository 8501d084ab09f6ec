-- migrate:up

create schema netting authorization counterpart_netting;
set local role counterpart_netting;

-- A wallet's funds in the program, as its ledger's account holds them: the newest finalized reading by quorum.
create table netting.wallet_balances (
    wallet             text        primary key,
    locked_lamports    bigint      not null check (locked_lamports >= 0),
    requested_lamports bigint      not null check (requested_lamports >= 0),  -- asked back; not to be counted on
    slot               bigint      not null check (slot >= 0),                -- of the reading; an older one is dropped
    read_at            timestamptz not null
);

-- An item, its number in the program, and its owner of record: the newest finalized reading of its account by quorum.
create table netting.item_ownership (
    item_id      text        primary key check (length(item_id) between 1 and 128),
    item_number  bigint      generated always as identity unique,  -- u64 in the program
    mint         text        not null unique,
    owner        text,                                             -- null: not in the program's escrow
    creator      text,
    royalty_bps  integer     not null default 0 check (royalty_bps between 0 and 10000),
    requested_at timestamptz,                                      -- its owner wants it back: not to be counted on
    slot         bigint      not null default 0 check (slot >= 0),
    read_at      timestamptz not null,
    check (creator is not null or royalty_bps = 0)
);
create index item_ownership_owner on netting.item_ownership (owner, item_id) where owner is not null;

-- Each time an item changed hands; rows are only ever added.
create table netting.item_history (
    id          bigint      generated always as identity primary key,
    item_id     text        not null references netting.item_ownership,
    event       text        not null check (event in ('deposited', 'settled', 'withdrawn')),
    from_wallet text,
    to_wallet   text,
    chain_batch bigint,                                            -- the program's batch id of a settlement
    slot        bigint      not null,
    signature   text        not null,
    happened_at timestamptz not null,
    unique (item_id, signature, event)
);
create index item_history_item on netting.item_history (item_id, id desc);

-- What a wallet lets another key do for it. `key` is the session's public key; its secret is never here.
create table netting.session_keys (
    key                  text        primary key,
    id                   uuid        not null unique,
    owner                text        not null,
    allowed_actions      text[]      not null check (allowed_actions <@ array['TRADE', 'BID', 'BUY_NOW'] and cardinality(allowed_actions) > 0),
    max_volume_lamports  bigint      not null check (max_volume_lamports > 0),
    used_volume_lamports bigint      not null default 0 check (used_volume_lamports between 0 and max_volume_lamports),
    expires_at           timestamptz not null,
    state                text        not null default 'requested' check (state in (
                             'requested', 'registering', 'active', 'revoking', 'revoked', 'failed')),
    text                 text        not null,                     -- the SIWS text that its owner signed
    signature            bytea       not null,
    requested_at         timestamptz not null,
    moved_at             timestamptz not null
);
create index session_keys_owner on netting.session_keys (owner, requested_at desc);

-- A seller's signed ask.
create table netting.listings (
    listing_id     text           primary key check (length(listing_id) between 1 and 128),
    item_id        text           not null references netting.item_ownership,
    seller         text           not null,
    price_lamports bigint         not null check (price_lamports > 0 and price_lamports < 1000000000000),
    expires_at     timestamptz    not null,
    nonce          numeric(20, 0) not null check (nonce >= 0 and nonce < 18446744073709551616),
    signature      bytea          not null,
    state          text           not null default 'active' check (state in ('active', 'sold', 'withdrawn')),
    listed_at      timestamptz    not null,
    moved_at       timestamptz    not null,
    unique (seller, nonce)
);
create index listings_open on netting.listings (item_id) where state = 'active';
create index listings_page on netting.listings (listed_at desc, listing_id desc);

-- A batch: intents that were cleared together (functions/netting/core/batch.py).
create table netting.batches (
    id             uuid        primary key,
    state          text        not null check (state in ('netted', 'settling', 'settled', 'indexed', 'empty', 'abandoned')),
    intents        integer     not null check (intents >= 0),      -- that were looked at
    accepted       integer     not null check (accepted between 0 and intents),
    items          integer     not null check (items >= 0),
    wallets        integer     not null check (wallets >= 0),
    transactions   integer     not null check (transactions >= 0), -- that settle it
    packing_bound  integer     not null check (packing_bound between 0 and transactions),
    traded_lamports numeric(30, 0) not null check (traded_lamports >= 0),  -- what the accepted intents say
    moved_lamports  numeric(30, 0) not null check (moved_lamports >= 0),   -- what settles them: the sum of all credits
    optimal_lamports numeric(30, 0) check (optimal_lamports >= traded_lamports),  -- what no clearing exceeds, where computed
    result_hash    bytea       not null check (octet_length(result_hash) = 32),
    da_hash        bytea       check (octet_length(da_hash) = 32), -- of the pinned metadata
    items_root     bytea       not null check (octet_length(items_root) = 32),
    state_root     bytea       check (octet_length(state_root) = 32),
    failures       integer     not null default 0 check (failures >= 0),   -- of its settlements, in a row
    netted_at      timestamptz not null,
    moved_at       timestamptz not null
);
create index batches_open on netting.batches (netted_at) where state in ('netted', 'settling', 'settled');
create index batches_recent on netting.batches (netted_at desc, id desc);

-- A signed trade intent; the fields are as they were signed.
create table netting.intents (
    id                text           primary key check (length(id) = 26),
    session           text           not null,
    owner             text           not null,
    item_id           text           not null,
    seller            text           not null,
    buyer             text           not null check (buyer <> seller),
    amount_lamports   bigint         not null check (amount_lamports > 0 and amount_lamports < 1000000000000),
    nonce             numeric(20, 0) not null check (nonce >= 0 and nonce < 18446744073709551616),
    created_at_ms     bigint         not null,
    kind              text           not null check (kind in ('TRADE', 'BUY_NOW', 'BID')),
    listing_id        text,
    signature         bytea          not null,
    counter_signature bytea,
    state             text           not null check (state in ('offered', 'pending', 'batched', 'settled', 'dropped')),
    reason            text,                                        -- why it was dropped, or still waits
    batch             uuid           references netting.batches,
    settlement        integer,                                     -- the ordinal within its batch
    pinned_in         text,                                        -- key of kernel.pins
    received_at       timestamptz    not null,
    moved_at          timestamptz    not null,
    unique (session, nonce),
    check ((state in ('batched', 'settled')) = (batch is not null)),
    check (state <> 'dropped' or reason is not null)
);
create index intents_pending on netting.intents (created_at_ms, nonce, id collate "C") where state = 'pending';
create index intents_offered on netting.intents (seller, received_at) where state = 'offered';
create index intents_batch on netting.intents (batch) where batch is not null;
create index intents_unpinned on netting.intents (received_at) where pinned_in is null;

-- One balanced part of a batch that the program settles under a batch id of its own: components, packed.
create table netting.settlements (
    batch        uuid        not null references netting.batches,
    ordinal      integer     not null check (ordinal >= 0),
    content      jsonb       not null,                             -- items and deltas, whole or in parts
    entries      integer     not null check (entries > 0),
    state        text        not null default 'waiting' check (state in ('waiting', 'sent', 'landed', 'settled', 'indexed', 'abandoned')),
    attempt      integer     not null default 0 check (attempt >= 0),
    chain_batch  bigint      unique check (chain_batch > 0),       -- the id of the present attempt; each attempt has its own
    step         integer     not null default 0 check (step >= 0), -- of one in parts: 0 opens, then each part
    reason       text,
    signature    text,                                             -- of the transaction that completed it
    slot         bigint,
    moved_at     timestamptz not null,
    primary key (batch, ordinal)
);
create index settlements_open on netting.settlements (moved_at) where state in ('waiting', 'sent', 'landed', 'settled');

-- Ids of the program's batches commit in order: one row, locked while one is given and until it has landed.
create table netting.lane (
    id               boolean     primary key default true check (id),
    last_chain_batch bigint      not null check (last_chain_batch >= 0),
    batch            uuid,                                         -- whose settlement is on its way
    ordinal          integer,
    moved_at         timestamptz not null,
    check ((batch is null) = (ordinal is null)),
    foreign key (batch, ordinal) references netting.settlements (batch, ordinal)
);

-- What wallets sign themselves and we pass on: session keys, deposits, withdrawals.
create table netting.wallet_transactions (
    id              uuid        primary key,
    kind            text        not null check (kind in (
                        'register_session_key', 'revoke_session_key', 'deposit_funds', 'deposit_item',
                        'withdraw_funds', 'withdraw_item')),
    wallet          text        not null,
    subject         text        not null,                          -- session key, item, or the wallet itself
    amount_lamports bigint      check (amount_lamports > 0),
    message         bytea       not null,                          -- what is to be signed
    last_height     bigint      not null,                          -- above which it can no longer land
    state           text        not null default 'offered' check (state in ('offered', 'sent', 'settled', 'failed', 'expired')),
    reason          text,
    signature       text,
    offered_at      timestamptz not null,
    moved_at        timestamptz not null
);
create index wallet_transactions_wallet on netting.wallet_transactions (wallet, offered_at desc);
create index wallet_transactions_open on netting.wallet_transactions (offered_at) where state in ('offered', 'sent');

-- What is spoken for: an item, or a wallet's funds, by a settlement on its way or by a withdrawal. Never twice.
create table netting.reservations (
    kind               text        not null check (kind in ('item', 'wallet')),
    subject            text        not null,
    amount_lamports    bigint      check (amount_lamports > 0),    -- of a wallet's funds
    batch              uuid,
    ordinal            integer,
    wallet_transaction uuid        references netting.wallet_transactions,
    reserved_at        timestamptz not null,
    primary key (kind, subject),
    foreign key (batch, ordinal) references netting.settlements (batch, ordinal),
    check ((batch is null) = (ordinal is null)),
    check ((batch is null) <> (wallet_transaction is null)),
    check ((kind = 'wallet') = (amount_lamports is not null))
);
create index reservations_batch on netting.reservations (batch, ordinal) where batch is not null;
create index reservations_transaction on netting.reservations (wallet_transaction) where wallet_transaction is not null;

-- Address lookup tables of the program's accounts, and which account is in which.
create table netting.lookup_tables (
    address    text        primary key,
    members    integer     not null default 0 check (members between 0 and 256),
    created_at timestamptz not null
);
create table netting.lookup_members (
    account    text        primary key,
    address    text        references netting.lookup_tables,       -- null: still to be added
    usable_at  bigint                                              -- slot after which a transaction may use it
);
reset role;

-- migrate:down

drop table netting.lookup_members;
drop table netting.lookup_tables;
drop table netting.reservations;
drop table netting.wallet_transactions;
drop table netting.lane;
drop table netting.settlements;
drop table netting.intents;
drop table netting.batches;
drop table netting.listings;
drop table netting.session_keys;
drop table netting.item_history;
drop table netting.item_ownership;
drop table netting.wallet_balances;
drop schema netting;
