-- name: record_pin
-- One pin, unless its business key has one.
insert into kernel.pins
    (business_key, cid, content_hash, plain_bytes, stored_bytes, media_type, encoding, wanted, created_at, changed_at)
values
    (%(business_key)s, %(cid)s, %(content_hash)s, %(plain_bytes)s, %(stored_bytes)s, %(media_type)s, %(encoding)s,
     %(wanted)s, %(now)s, %(now)s)
on conflict (business_key) do nothing;

-- name: pin_of
-- The pin of a business key.
select business_key, cid, content_hash, plain_bytes, stored_bytes, media_type, encoding, wanted, confirmed, state,
       created_at, changed_at
from kernel.pins
where business_key = %(business_key)s;

-- name: confirm_pin
-- A service holds it. Nothing for one that was confirmed already.
update kernel.pins
set confirmed = array_append(confirmed, %(service)s), changed_at = %(now)s
where business_key = %(business_key)s and not %(service)s = any (confirmed);
