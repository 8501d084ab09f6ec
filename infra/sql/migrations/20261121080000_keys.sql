-- migrate:up

-- Signing keys at rest, each sealed under a data key of its own (kernel/keys/envelope.py). Nobody may update a row: the
-- one change there is, the rotation of the wrapping key, goes through kernel.reseal_key.
create table kernel.sealed_keys (
    purpose    text        not null check (length(purpose) between 1 and 100),
    chain      text        not null check (chain ~ '^(evm:[1-9][0-9]*|solana:[a-z]+)$'),
    address    text        not null check (length(address) between 32 and 44),
    blob       bytea       not null check (octet_length(blob) between 64 and 8192),
    kms_key_id text        not null check (length(kms_key_id) between 1 and 2048),  -- the wrapping key's own id
    version    integer     not null default 1 check (version >= 1),                 -- raised by each rotation
    sealed_at  timestamptz not null,
    primary key (purpose, chain, address)
);

-- Replaces one blob by the same key under another wrapping key, if nobody else did so meanwhile; true if it did.
create function kernel.reseal_key(
    of_purpose text, of_chain text, of_address text, from_version integer,
    new_blob bytea, new_kms_key_id text, at timestamptz
) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
    update kernel.sealed_keys
    set blob = new_blob, kms_key_id = new_kms_key_id, version = version + 1, sealed_at = at
    where purpose = of_purpose and chain = of_chain and address = of_address and version = from_version;
    return found;
end
$$;
revoke execute on function kernel.reseal_key from public;

-- What somebody outside is asked to sign: one open request for each slot of an address. A slot is what two signed
-- payloads cannot both use up: an EVM nonce, a value of a Solana nonce account.
create table kernel.signature_requests (
    id             uuid        primary key,
    chain          text        not null check (chain ~ '^(evm:[1-9][0-9]*|solana:[a-z]+)$'),
    address        text        not null check (length(address) between 32 and 44),
    slot           text        not null check (length(slot) between 1 and 200),
    payload        bytea       not null check (octet_length(payload) between 1 and 262144),
    digest         bytea       not null check (octet_length(digest) = 32),
    summary        jsonb       not null check (jsonb_typeof(summary) = 'object'),
    business_key   text,
    state          text        not null default 'open' check (state in ('open', 'signed', 'withdrawn')),
    signature      bytea       check (octet_length(signature) between 64 and 65),
    signed_hash    bytea       check (octet_length(signed_hash) = 32),  -- of the signed EVM transaction
    requested_at   timestamptz not null,
    resolved_at    timestamptz,
    resolved_by    text,
    check ((state = 'signed') = (signature is not null)),
    check (signed_hash is null or state = 'signed'),
    check ((state = 'open') = (resolved_at is null)),
    check ((resolved_at is null) = (resolved_by is null))
);
create unique index signature_requests_open on kernel.signature_requests (chain, address, slot) where state = 'open';
create index signature_requests_slot on kernel.signature_requests (chain, address, slot);
-- Operators read what waits for them, oldest first (ids are in the order of time).
create index signature_requests_waiting on kernel.signature_requests (id) where state = 'open';

grant select on kernel.sealed_keys to counterpart_slice;
grant insert on kernel.sealed_keys to counterpart_ops;
grant execute on function kernel.reseal_key to counterpart_ops;
-- What is asked for can never be changed, only what became of it.
grant select, insert, update (state, signature, signed_hash, resolved_at, resolved_by)
    on kernel.signature_requests to counterpart_slice;

-- migrate:down

drop table kernel.signature_requests;
drop function kernel.reseal_key;
drop table kernel.sealed_keys;
