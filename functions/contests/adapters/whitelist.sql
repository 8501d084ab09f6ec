-- name: allowed
-- Which of these may be played with.
select mint from contests.token_whitelist where mint = any(%(mints)s::text[]) and removed_at is null;

-- name: token
-- The token that is on the list now.
select id, mint, symbol, name, decimals, program, added_by, fee_lamports, signature, added_at
from contests.token_whitelist
where mint = %(mint)s and removed_at is null;

-- name: paid_by
-- What a transfer has paid for.
select id, mint, symbol, name, decimals, program, added_by, fee_lamports, signature, added_at, removed_at
from contests.token_whitelist
where signature = %(signature)s;

-- name: page
-- What may be played with, the newest first, before one of them.
select id, mint, symbol, name, decimals, program, added_by, fee_lamports, signature, added_at
from contests.token_whitelist
where removed_at is null and (%(before)s::uuid is null or id < %(before)s::uuid)
order by id desc
limit %(limit)s;

-- name: add
-- Put a token on the list; no row where it is there already, or the transfer has paid for another.
insert into contests.token_whitelist (id, mint, symbol, name, decimals, program, added_by, experience, fee_lamports,
                                      signature, added_at)
values (%(id)s, %(mint)s, %(symbol)s, %(name)s, %(decimals)s, %(program)s, %(added_by)s, %(experience)s,
        %(fee_lamports)s, %(signature)s, %(now)s)
on conflict do nothing
returning id;

-- name: remove
-- Take a token off the list.
update contests.token_whitelist
set removed_at = %(now)s, removed_by = %(actor)s, reason = %(reason)s
where mint = %(mint)s and removed_at is null
returning id;
