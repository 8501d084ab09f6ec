-- name: lock_nonce
-- Whoever leases holds this row until its commit, so leases follow commit order without a gap.
select next_nonce from kernel.evm_nonces where chain_id = %(chain_id)s and signer = %(signer)s for update;

-- name: open_nonce
-- The first use of a signer on a chain; a concurrent first use wins or loses here, and both then lock the row.
insert into kernel.evm_nonces (chain_id, signer, next_nonce, opened_at)
values (%(chain_id)s, %(signer)s, %(next_nonce)s, %(now)s)
on conflict (chain_id, signer) do nothing;

-- name: advance_nonce
-- Hand out the nonces below next_nonce. It never goes back: no row is an error.
update kernel.evm_nonces set next_nonce = %(next_nonce)s
where chain_id = %(chain_id)s and signer = %(signer)s and next_nonce < %(next_nonce)s
returning next_nonce;

-- name: nonces_opened
-- Which of these signers have leased before.
select signer from kernel.evm_nonces where chain_id = %(chain_id)s and signer = any(%(signers)s);

-- name: entries_by_key
-- Obligations recorded already, asked after the nonce rows are locked.
select * from kernel.evm_outbox where business_key = any(%(business_keys)s);

-- name: record_entry
-- Transaction 1: the obligation, its nonce lease and its unsigned payload.
insert into kernel.evm_outbox (id, business_key, service, chain_id, signer, nonce, recipient, calldata, value_wei,
                               gas_limit, gas_price_max_wei, valid_until, submit_kind, recorded_at, changed_at)
values (%(id)s, %(business_key)s, %(service)s, %(chain_id)s, %(signer)s, %(nonce)s, %(recipient)s, %(calldata)s,
        %(value_wei)s, %(gas_limit)s, %(gas_price_max_wei)s, %(valid_until)s, %(submit_kind)s, %(now)s, %(now)s);

-- name: entry
-- One obligation by its id, a row for each payload that was signed at its present nonce, oldest first, or one without.
select o.*, p.ordinal, p.purpose, p.max_fee_wei, p.tip_wei, p.raw, p.hash, p.signed_at_block, p.signed_at, p.sent_at,
    p.accepted_at, p.refusal
from kernel.evm_outbox o left join kernel.evm_payloads p on p.entry_id = o.id and p.nonce = o.nonce
where o.id = %(id)s order by p.ordinal;

-- name: lock_entry
-- One obligation, held until the commit, so that its state moves by one transition at a time.
select * from kernel.evm_outbox where id = %(id)s for update;

-- name: entry_by_key
-- The same by its business key.
select o.*, p.ordinal, p.purpose, p.max_fee_wei, p.tip_wei, p.raw, p.hash, p.signed_at_block, p.signed_at, p.sent_at,
    p.accepted_at, p.refusal
from kernel.evm_outbox o left join kernel.evm_payloads p on p.entry_id = o.id and p.nonce = o.nonce
where o.business_key = %(business_key)s order by p.ordinal;

-- name: store_payload
-- Transaction 2: signed bytes are stored only if none are stored under this ordinal.
insert into kernel.evm_payloads (entry_id, nonce, ordinal, purpose, max_fee_wei, tip_wei, raw, hash, signed_at_block,
                                 signed_at, fence)
values (%(entry_id)s, %(nonce)s, %(ordinal)s, %(purpose)s, %(max_fee_wei)s, %(tip_wei)s, %(raw)s, %(hash)s,
        %(signed_at_block)s, %(now)s, %(fence)s)
on conflict (entry_id, nonce, ordinal) do nothing;

-- name: mark_sent
-- What a broadcast came to.
update kernel.evm_payloads
set sent_at = %(now)s, refusal = %(refusal)s,
    accepted_at = coalesce(accepted_at, case when %(accepted)s then %(now)s::timestamptz end)
where entry_id = %(entry_id)s and nonce = %(nonce)s and ordinal = %(ordinal)s;

-- name: mark_accepted
-- A node turned out to have the bytes, although no answer said so.
update kernel.evm_payloads set accepted_at = coalesce(accepted_at, %(now)s), refusal = null
where entry_id = %(entry_id)s and nonce = %(nonce)s and ordinal = %(ordinal)s;

-- name: move_entry
-- A transition that settles nothing, and the alarm as it stands.
update kernel.evm_outbox
set state = %(state)s, changed_at = %(now)s, alarm = %(alarm)s,
    alarmed_at = case when %(alarm)s::text is null then null else coalesce(alarmed_at, %(now)s) end
where id = %(id)s;

-- name: give_up
-- The effect is not wanted any more. Nothing is signed of it, or it would be too late to say so.
update kernel.evm_outbox set unwanted = %(unwanted)s, changed_at = %(now)s where id = %(id)s and state = 'recorded';

-- name: lease_again
-- The old nonce was used by a foreign transaction, finally: the obligation goes on at a new one.
update kernel.evm_outbox
set state = %(state)s, nonce = %(nonce)s, leases = leases + 1, reason = %(reason)s, alarm = null, alarmed_at = null,
    changed_at = %(now)s
where id = %(id)s;

-- name: settle_entry
-- The end, with the receipt that proves it (none when a foreign transaction used the nonce of a lapsed entry).
update kernel.evm_outbox
set state = %(state)s, reason = %(reason)s, transaction_hash = %(transaction_hash)s, block_number = %(block_number)s,
    block_hash = %(block_hash)s, gas_used = %(gas_used)s, gas_price_wei = %(gas_price_wei)s,
    l1_fee_wei = %(l1_fee_wei)s, alarm = null, alarmed_at = null, changed_at = %(now)s, settled_at = %(now)s
where id = %(id)s
returning *;

-- name: nonce_holder
-- Which obligation a nonce belongs to, open or settled.
select service, settled_at is not null as settled from kernel.evm_outbox
where chain_id = %(chain_id)s and signer = %(signer)s and nonce = %(nonce)s;

-- name: submit_kind
-- The kind of the task that submits an obligation.
select coalesce(o.submit_kind, t.kind) as kind
from kernel.evm_outbox o left join kernel.tasks t on t.id = %(task_id)s
where o.id = %(id)s;

-- name: alarmed
-- What needs a person, oldest first.
select * from kernel.evm_outbox where alarm is not null order by alarmed_at limit %(limit)s;
