-- name: keep_key
-- A sealed key, once: the same key again (its address says so) changes nothing.
insert into kernel.sealed_keys (purpose, chain, address, blob, kms_key_id, sealed_at)
values (%(purpose)s, %(chain)s, %(address)s, %(blob)s, %(kms_key_id)s, %(now)s)
on conflict do nothing;

-- name: sealed_key
-- The present blob of one key.
select blob
from kernel.sealed_keys
where purpose = %(purpose)s and chain = %(chain)s and address = %(address)s;

-- name: sealed_keys
-- What is kept, without the blobs.
select purpose, chain, address, kms_key_id, version, sealed_at
from kernel.sealed_keys
order by purpose, chain, address;

-- name: keys_to_rotate
-- The next keys in the order of the primary key that another wrapping key than the present one seals.
select purpose, chain, address, blob, version
from kernel.sealed_keys
where kms_key_id <> %(kms_key_id)s and (purpose, chain, address) > (%(purpose)s, %(chain)s, %(address)s)
order by purpose, chain, address
limit %(limit)s;

-- name: count_keys_to_rotate
-- How many keys another wrapping key than the present one seals.
select count(*) as left_over
from kernel.sealed_keys
where kms_key_id <> %(kms_key_id)s;

-- name: reseal_key
-- Compare and swap: only if the row is still of the version that was opened.
select kernel.reseal_key(
    %(purpose)s, %(chain)s, %(address)s, %(version)s, %(blob)s, %(kms_key_id)s, %(now)s
) as resealed;

-- name: sealed_blobs
-- Every key as it is sealed, in the order of the primary key.
select purpose, chain, address, blob, kms_key_id, version
from kernel.sealed_keys
order by purpose, chain, address;

-- name: put_key_back
-- A key of a backup, under the version that it had.
insert into kernel.sealed_keys (purpose, chain, address, blob, kms_key_id, version, sealed_at)
values (%(purpose)s, %(chain)s, %(address)s, %(blob)s, %(kms_key_id)s, %(version)s, %(now)s);
