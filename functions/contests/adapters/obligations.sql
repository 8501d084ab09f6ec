-- name: owe
-- What somebody is owed, written down once.
insert into contests.obligations (contest_id, kind, line, wallet, lamports, due_at, looked_at, owed_at, moved_at)
select %(contest_id)s, %(kind)s, line, wallet, lamports, %(now)s, %(now)s, %(now)s, %(now)s
from jsonb_to_recordset(%(lines)s) as owed (line integer, wallet text, lamports bigint)
on conflict do nothing;

-- name: stored
-- What is written down already.
select line, wallet, lamports from contests.obligations
where contest_id = %(contest_id)s and kind = %(kind)s order by line;

-- name: standings
-- How many lines of a contest stand where, and what they come to.
select kind, state, count(*) as lines, sum(lamports)::bigint as lamports from contests.obligations
where contest_id = %(contest_id)s group by kind, state;

-- name: due
-- What may be sent now, an advance before all else.
select * from contests.obligations
where contest_id = %(contest_id)s and state = 'owed' and due_at <= %(now)s
order by (kind <> 'advance'), due_at, line limit %(limit)s;

-- name: unpaid
-- Every amount of a contest that is still to leave its wallet; what is held may leave it later.
select lamports from contests.obligations
where contest_id = %(contest_id)s and kind <> 'advance' and state <> 'paid';

-- name: lock_line
-- One line, held until the commit.
select * from contests.obligations
where contest_id = %(contest_id)s and kind = %(kind)s and line = %(line)s for update;

-- name: lock_entry
-- The line whose newest attempt this is, held until the commit.
select * from contests.obligations where entry_key = %(entry_key)s for update;

-- name: send
-- An attempt is on its way.
update contests.obligations
set state = %(state)s, attempts = attempts + 1, tries = tries + 1, entry_key = %(entry_key)s, reason = null,
    moved_at = %(now)s
where contest_id = %(contest_id)s and kind = %(kind)s and line = %(line)s;

-- name: move
-- A step that sends nothing.
update contests.obligations
set state = %(state)s, reason = %(reason)s, signature = %(signature)s, slot = %(slot)s, due_at = %(due_at)s,
    moved_at = %(now)s
where contest_id = %(contest_id)s and kind = %(kind)s and line = %(line)s;

-- name: replay
-- Tried anew, from the first try on.
update contests.obligations set state = %(state)s, tries = 0, reason = null, due_at = %(now)s, moved_at = %(now)s
where contest_id = %(contest_id)s and kind = %(kind)s and line = %(line)s;

-- name: held
-- What is held, longest unseen first.
select * from contests.obligations where state = 'held' order by looked_at, contest_id, kind, line limit %(limit)s;

-- name: looked
-- It cannot be taken yet.
update contests.obligations set looked_at = %(now)s
where contest_id = %(contest_id)s and kind = %(kind)s and line = %(line)s and state = 'held';

-- name: stopped
-- What is held or parked, oldest first, behind one of them.
select * from contests.obligations
where state = any(%(states)s)
    and (moved_at, contest_id, kind, line) > (%(moved_at)s, %(contest_id)s, %(kind)s, %(line)s)
order by moved_at, contest_id, kind, line limit %(limit)s;

-- name: of_contest
-- A page of what a contest owes.
select * from contests.obligations
where contest_id = %(contest_id)s and (kind, line) > (%(kind)s, %(line)s)
order by kind, line limit %(limit)s;
