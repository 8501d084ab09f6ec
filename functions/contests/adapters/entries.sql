-- name: entry_of_wallet
-- What a wallet has entered a contest with.
select * from contests.entries where contest_id = %(contest)s and wallet = %(wallet)s;

-- name: entry_of_signature
-- What a transfer has paid for.
select * from contests.entries where signature = %(signature)s;

-- name: add_entry
-- An entry under the contest's next number; nothing where wallet or signature were taken before.
insert into contests.entries (contest_id, wallet, number, signature, lamports, slot, paid_at, entered_at)
values (%(contest)s, %(wallet)s, %(number)s, %(signature)s, %(lamports)s, %(slot)s, %(paid_at)s, %(now)s)
on conflict do nothing
returning *;

-- name: count_entrant
-- The contest has one more entrant, and the pool one more fee.
update contests.contests
set entrants = entrants + 1, pool_lamports = pool_lamports + fee_lamports, moved_at = %(now)s
where id = %(contest)s;

-- name: entries_of_wallet
-- A wallet's entries, the newest first, before one of them.
select e.*, c.name, c.state, c.starts_at, c.ends_at
from contests.entries e join contests.contests c on c.id = e.contest_id
where e.wallet = %(wallet)s and e.entered_at < %(before)s
order by e.entered_at desc
limit %(limit)s;
