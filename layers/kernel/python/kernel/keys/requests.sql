-- name: signed_requests
-- The answers of a slot, oldest first, but for EVM transactions that the outbox has stored: those are known.
select r.*
from kernel.signature_requests r
where r.chain = %(chain)s and r.address = %(address)s and r.slot = %(slot)s and r.state = 'signed'
  and not exists (select from kernel.evm_payloads p where p.hash = r.signed_hash)
order by r.id;

-- name: open_request
-- The one open request of a slot; locked, so that it is not answered while it is replaced.
select *
from kernel.signature_requests
where chain = %(chain)s and address = %(address)s and slot = %(slot)s and state = 'open'
for update;

-- name: add_request
-- A new request, unless another worker was first: then nothing. An EVM nonce leads to the obligation it is for.
insert into kernel.signature_requests (id, chain, address, slot, payload, digest, summary, business_key, requested_at)
values (%(id)s, %(chain)s, %(address)s, %(slot)s, %(payload)s, %(digest)s, %(summary)s,
        (select o.business_key from kernel.evm_outbox o
         where o.chain_id = %(chain_id)s and o.signer = %(address)s and o.nonce = %(nonce)s), %(now)s)
on conflict (chain, address, slot) where state = 'open' do nothing
returning *;

-- name: waiting
-- Open requests, oldest first.
select *
from kernel.signature_requests
where state = 'open' and (%(after)s::uuid is null or id > %(after)s)
order by id
limit %(limit)s;

-- name: request
-- One request.
select *
from kernel.signature_requests
where id = %(id)s;

-- name: sign_request
-- The answer to an open request; nothing when it was answered or withdrawn meanwhile.
update kernel.signature_requests
set state = 'signed', signature = %(signature)s, signed_hash = %(signed_hash)s, resolved_at = %(now)s,
    resolved_by = %(actor)s
where id = %(id)s and state = 'open';

-- name: withdraw_request
-- Takes back an open request.
update kernel.signature_requests
set state = 'withdrawn', resolved_at = %(now)s, resolved_by = %(actor)s
where id = %(id)s and state = 'open';
