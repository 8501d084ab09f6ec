-- migrate:up

-- One obligation of one Solana transaction. kernel/outbox/solana/lifecycle.py tells what each state means and which
-- follows which. A cluster's transactions have no order among themselves, so nothing is leased when one is recorded.
create table kernel.solana_outbox (
    id                 uuid        primary key,
    business_key       text        not null unique check (length(business_key) between 1 and 200),
    service            text        not null check (service ~ '^[a-z][a-z0-9_]*$'),
    cluster            text        not null check (cluster ~ '^[a-z][a-z0-9-]*$'),
    payer              text        not null check (payer ~ '^[1-9A-HJ-NP-Za-km-z]{32,44}$'),
    signers            text[]      not null,  -- whoever signs besides the payer
    instructions       jsonb       not null check (jsonb_typeof(instructions) = 'array'),
    lookup_tables      text[]      not null,
    compute_unit_limit integer     check (compute_unit_limit between 1 and 1400000),  -- null: from a simulation
    durable_nonce      text        check (durable_nonce ~ '^[1-9A-HJ-NP-Za-km-z]{32,44}$'),
    valid_until        timestamptz,
    state              text        not null default 'recorded'
                       check (state in ('recorded', 'signed', 'broadcast', 'landed', 'confirmed', 'failed', 'cancelled')),
    reason             text,       -- why it failed or was cancelled
    signature          text,
    slot               bigint,
    fee_lamports       bigint      check (fee_lamports >= 0),
    error              jsonb,      -- the program's error of a failed transaction
    alarm              text,       -- what needs a person; cleared when it passes
    alarmed_at         timestamptz,
    recorded_at        timestamptz not null,
    changed_at         timestamptz not null,
    settled_at         timestamptz,
    check ((state in ('confirmed', 'failed', 'cancelled')) = (settled_at is not null)),
    check ((state in ('confirmed', 'failed')) = (signature is not null and slot is not null)),
    check (state <> 'failed' or error is not null),
    check ((alarm is null) = (alarmed_at is null))
);
create index solana_outbox_open on kernel.solana_outbox (cluster, payer, id) where settled_at is null;
create index solana_outbox_alarmed on kernel.solana_outbox (alarmed_at) where alarm is not null;

-- Every signed transaction that was ever allowed to leave. A new one is signed for an entry only when none of these can
-- land any more: so the signatures, and what proves each dead, are kept for ever.
create table kernel.solana_payloads (
    entry_id                uuid        not null references kernel.solana_outbox (id),
    ordinal                 integer     not null check (ordinal >= 1),
    purpose                 text        not null check (purpose in ('effect', 'release')),
    raw                     bytea       not null check (octet_length(raw) <= 1232),
    signature               text        not null unique,
    blockhash               text        not null,  -- or the value of the durable nonce
    last_valid_block_height bigint      check (last_valid_block_height > 0),
    durable_nonce           text,
    outlived_at_height      bigint,                -- where the cluster stood when that nonce was seen to have moved on
    unit_limit              integer     not null check (unit_limit > 0),
    unit_price              bigint      not null check (unit_price >= 0),  -- micro-lamports a compute unit
    signed_at_slot          bigint      not null,
    signed_at               timestamptz not null,
    fence                   bigint      not null,  -- the token under which it was stored
    sent_at                 timestamptz,           -- last broadcast
    accepted_at             timestamptz,           -- first time that a node said yes
    refusal                 text,                  -- what the last broadcast that nobody accepted was told
    primary key (entry_id, ordinal),
    -- The two ways in which a transaction dies: its blockhash grows old, or its nonce is advanced.
    check ((last_valid_block_height is null) = (durable_nonce is not null)),
    check (purpose = 'effect' or durable_nonce is not null),
    check (outlived_at_height is null or durable_nonce is not null)
);

-- Which open entry uses a durable nonce account: two at once would each kill the other's transaction.
create table kernel.solana_nonces (
    cluster   text        not null,
    account   text        not null,
    entry_id  uuid        unique references kernel.solana_outbox (id),  -- null: free
    leased_at timestamptz not null,
    primary key (cluster, account)
);

grant select, insert on kernel.solana_outbox, kernel.solana_payloads to counterpart_slice;
-- What is owed and what was signed can never be changed, only what became of it.
grant update (valid_until, state, reason, signature, slot, fee_lamports, error, alarm, alarmed_at, changed_at, settled_at)
    on kernel.solana_outbox to counterpart_slice;
grant update (sent_at, accepted_at, refusal, outlived_at_height) on kernel.solana_payloads to counterpart_slice;
grant select, insert, update on kernel.solana_nonces to counterpart_slice;

-- migrate:down

drop table kernel.solana_nonces;
drop table kernel.solana_payloads;
drop table kernel.solana_outbox;
