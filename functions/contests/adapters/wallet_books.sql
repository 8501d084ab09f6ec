-- name: standing
-- Whether something is on its way from or to a contest's wallet, or about to be, and the newest slot that the books
-- know of it.
select exists (select from contests.obligations where contest_id = %(contest_id)s and state = 'sent')
       or exists (select from contests.sweeps where contest_id = %(contest_id)s and state in ('planned', 'sent'))
       or exists (select from contests.admin_transfers t join kernel.solana_outbox o on o.business_key = t.entry_key
                  where %(wallet)s in (t.source, t.recipient) and o.settled_at is null) as is_busy,
       greatest(0,
                (select max(slot) from contests.entries where contest_id = %(contest_id)s),
                (select max(slot) from contests.obligations where contest_id = %(contest_id)s),
                (select max(slot) from contests.sweeps where contest_id = %(contest_id)s),
                (select max(o.slot) from contests.admin_transfers t
                 join kernel.solana_outbox o on o.business_key = t.entry_key
                 where %(wallet)s in (t.source, t.recipient))) as slot;

-- name: contest_of
-- Whose wallet an address is.
select * from contests.contests where wallet = %(wallet)s;

-- name: wallets_page
-- Contests with a wallet, behind one of them, oldest first.
select * from contests.contests where wallet is not null and id > %(after)s order by id limit %(limit)s;

-- name: retire
-- No contest gets this wallet from now on; one that has it keeps it. The first time stands.
update contests.contest_wallets set retired_at = coalesce(retired_at, %(now)s) where address = %(address)s
returning address, contest_id, retired_at;
