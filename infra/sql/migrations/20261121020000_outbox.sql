-- migrate:up

-- The next nonce of each signer on each chain. Its row is locked by whoever leases from it until they commit, so that
-- leases are handed out in commit order, without a gap and never twice.
create table kernel.evm_nonces (
    chain_id   bigint      not null check (chain_id > 0),
    signer     text        not null check (signer ~ '^0x[0-9a-fA-F]{40}$'),
    next_nonce bigint      not null check (next_nonce >= 0),
    opened_at  timestamptz not null,
    primary key (chain_id, signer)
);

-- One obligation of one transaction. kernel/outbox/evm/lifecycle.py tells what each state means and which follows which.
create table kernel.evm_outbox (
    id               uuid           primary key,
    business_key     text           not null unique check (length(business_key) between 1 and 200),
    service          text           not null check (service ~ '^[a-z][a-z0-9_]*$'),
    chain_id         bigint         not null,
    signer           text           not null,
    nonce            bigint         not null check (nonce >= 0),
    recipient        text           not null check (recipient ~ '^0x[0-9a-fA-F]{40}$'),
    calldata         bytea          not null,
    value_wei        numeric(78, 0) not null check (value_wei >= 0),
    gas_limit        bigint         not null check (gas_limit >= 21000),
    valid_until      timestamptz,
    state            text           not null default 'recorded'
                     check (state in ('recorded', 'signed', 'broadcast', 'mined', 'confirmed', 'failed', 'cancelled')),
    reason           text,          -- why it failed or was cancelled
    leases           integer        not null default 1 check (leases >= 1),
    transaction_hash bytea          check (octet_length(transaction_hash) = 32),
    block_number     bigint,
    block_hash       bytea          check (octet_length(block_hash) = 32),
    gas_used         bigint,
    gas_price_wei    numeric(78, 0),
    alarm            text,          -- what needs a person; cleared when it passes
    alarmed_at       timestamptz,
    recorded_at      timestamptz    not null,
    changed_at       timestamptz    not null,
    settled_at       timestamptz,
    foreign key (chain_id, signer) references kernel.evm_nonces (chain_id, signer),
    -- One nonce, one obligation: the database itself refuses a second lease of it.
    unique (chain_id, signer, nonce),
    check ((state in ('confirmed', 'failed', 'cancelled')) = (settled_at is not null)),
    check (state not in ('confirmed', 'failed') or transaction_hash is not null),
    check ((alarm is null) = (alarmed_at is null))
);
create index evm_outbox_open on kernel.evm_outbox (chain_id, signer, nonce) where settled_at is null;
create index evm_outbox_alarmed on kernel.evm_outbox (alarmed_at) where alarm is not null;

-- Every signed payload that was ever allowed to leave: only bytes of this table are broadcast, and a nonce stays
-- unresolved until one of its hashes here, or a foreign one found on the chain, is final.
create table kernel.evm_payloads (
    entry_id          uuid           not null references kernel.evm_outbox (id),
    nonce             bigint         not null,
    ordinal           integer        not null check (ordinal >= 1),
    purpose           text           not null check (purpose in ('effect', 'cancellation')),
    max_fee_wei       numeric(78, 0) not null check (max_fee_wei > 0),
    tip_wei           numeric(78, 0) not null check (tip_wei > 0 and tip_wei <= max_fee_wei),
    raw               bytea          not null,
    hash              bytea          not null unique check (octet_length(hash) = 32),
    signed_at_block   bigint         not null,
    signed_at         timestamptz    not null,
    fence             bigint         not null,  -- the token under which it was stored
    sent_at           timestamptz,              -- last broadcast
    accepted_at       timestamptz,              -- first time that a node said yes
    refusal           text,                     -- what the last broadcast that nobody accepted was told
    primary key (entry_id, nonce, ordinal)
);

grant select, insert, update on kernel.evm_nonces, kernel.evm_outbox to counterpart_slice;
-- What was signed can never be changed, only what became of it.
grant select, insert, update (sent_at, accepted_at, refusal) on kernel.evm_payloads to counterpart_slice;

-- migrate:down

drop table kernel.evm_payloads;
drop table kernel.evm_outbox;
drop table kernel.evm_nonces;
