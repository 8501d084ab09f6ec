-- name: record_entries
-- Transaction 1: the obligations; the ids of those that were new. A concurrent record of the same key, or of the same
-- message from elsewhere, is waited for; the order of the keys keeps two callers from waiting for each other.
insert into kernel.solana_outbox (id, business_key, service, cluster, payer, signers, instructions, lookup_tables,
                                  compute_unit_limit, durable_nonce, valid_until, given_message, given_signatures,
                                  given_last_height, given_slot, recorded_at, changed_at)
select id, business_key, service, cluster, payer, signers, instructions, lookup_tables, compute_unit_limit,
       durable_nonce, valid_until, decode(given_message, 'base64'), given_signatures, given_last_height, given_slot,
       %(now)s, %(now)s
from jsonb_to_recordset(%(entries)s) as entry (id uuid, business_key text, service text, cluster text, payer text,
     signers text[], instructions jsonb, lookup_tables text[], compute_unit_limit integer, durable_nonce text,
     valid_until timestamptz, given_message text, given_signatures jsonb, given_last_height bigint, given_slot bigint)
order by business_key
on conflict do nothing
returning id, business_key;

-- name: entries_by_key
-- Obligations recorded already, asked after the insert has waited for whoever was recording them.
select * from kernel.solana_outbox where business_key = any(%(business_keys)s);

-- name: entry
-- One obligation by its id.
select * from kernel.solana_outbox where id = %(id)s;

-- name: lock_entry
-- One obligation, held until the commit, so that its state moves by one transition at a time.
select * from kernel.solana_outbox where id = %(id)s for update;

-- name: entry_by_key
-- One obligation by its business key.
select * from kernel.solana_outbox where business_key = %(business_key)s;

-- name: payloads
-- Everything ever signed for the entry, oldest first.
select * from kernel.solana_payloads where entry_id = %(entry_id)s order by ordinal;

-- name: lease_nonce
-- The durable nonce account is this entry's until it settles; no row when another open entry uses it.
insert into kernel.solana_nonces (cluster, account, entry_id, leased_at)
values (%(cluster)s, %(account)s, %(entry_id)s, %(now)s)
on conflict (cluster, account) do update
set entry_id = excluded.entry_id,
    leased_at = case when solana_nonces.entry_id is null then excluded.leased_at else solana_nonces.leased_at end
where solana_nonces.entry_id is null or solana_nonces.entry_id = excluded.entry_id
returning account;

-- name: free_nonce
-- A settled entry gives its durable nonce account back.
update kernel.solana_nonces set entry_id = null where entry_id = %(entry_id)s;

-- name: store_payload
-- Transaction 2: signed bytes are stored only if none are stored under this ordinal, and no other entry has the same.
insert into kernel.solana_payloads (entry_id, ordinal, purpose, raw, signature, blockhash, last_valid_block_height,
                                    durable_nonce, unit_limit, unit_price, signed_at_slot, signed_at, fence)
values (%(entry_id)s, %(ordinal)s, %(purpose)s, %(raw)s, %(signature)s, %(blockhash)s, %(last_valid_block_height)s,
        %(durable_nonce)s, %(unit_limit)s, %(unit_price)s, %(signed_at_slot)s, %(now)s, %(fence)s)
on conflict do nothing;

-- name: mark_sent
-- What a broadcast came to.
update kernel.solana_payloads
set sent_at = %(now)s, refusal = %(refusal)s,
    accepted_at = coalesce(accepted_at, case when %(accepted)s then %(now)s::timestamptz end)
where entry_id = %(entry_id)s and ordinal = %(ordinal)s;

-- name: mark_outlived
-- Nothing signed over the old value of the durable nonce can land above this height. The first mark stands.
update kernel.solana_payloads set outlived_at_height = coalesce(outlived_at_height, %(height)s)
where entry_id = %(entry_id)s and durable_nonce is not null and ordinal <= %(ordinal)s;

-- name: move_entry
-- A transition that settles nothing, and the alarm as it stands.
update kernel.solana_outbox
set state = %(state)s, changed_at = %(now)s, alarm = %(alarm)s,
    alarmed_at = case when %(alarm)s::text is null then null else coalesce(alarmed_at, %(now)s) end
where id = %(id)s;

-- name: settle_entry
-- The end, with the finalized transaction that proves it (none when nothing of the entry can land any more), and what
-- effect and releases cost together.
update kernel.solana_outbox
set state = %(state)s, reason = %(reason)s, signature = %(signature)s, slot = %(slot)s,
    fee_lamports = %(fee_lamports)s, spent_lamports = %(spent_lamports)s, error = %(error)s, alarm = null,
    alarmed_at = null, changed_at = %(now)s, settled_at = %(now)s
where id = %(id)s;

-- name: alarmed
-- What needs a person, oldest first.
select * from kernel.solana_outbox where alarm is not null order by alarmed_at limit %(limit)s;
