-- name: sweepable
-- Contests whose payments are over and whose wallet nothing is on its way from, longest unseen first.
select c.* from contests.contests c left join contests.sweep_looks l on l.contest_id = c.id
where c.state in ('paid', 'refunded') and c.wallet is not null
  and not exists (select from contests.sweeps s where s.contest_id = c.id and s.state in ('planned', 'sent'))
order by l.looked_at nulls first, c.id limit %(limit)s;

-- name: looked
-- When a contest's wallet was looked at.
insert into contests.sweep_looks (contest_id, looked_at) values (%(contest_id)s, %(now)s)
on conflict (contest_id) do update set looked_at = excluded.looked_at;

-- name: plan_sweep
-- The next sweep of a contest's wallet.
insert into contests.sweeps (contest_id, number, wallet, lamports, found_lamports, planned_at, moved_at)
select %(contest_id)s, coalesce(max(number), 0) + 1, %(wallet)s, %(lamports)s, %(found_lamports)s, %(now)s, %(now)s
from contests.sweeps where contest_id = %(contest_id)s;

-- name: hold_sweeps
-- One at a time sends sweeps, until its commit.
select pg_advisory_xact_lock(hashtextextended('contests.sweeps', 0));

-- name: planned
-- Which sweeps are next, as far as there is room beside those on their way.
select * from contests.sweeps where state = 'planned' order by planned_at, contest_id
limit greatest(0, %(at_once)s - (select count(*) from contests.sweeps where state = 'sent'));

-- name: send_sweep
-- It is on its way.
update contests.sweeps set state = 'sent', moved_at = %(now)s
where contest_id = %(contest_id)s and number = %(number)s and state = 'planned';

-- name: lock_sweep
-- A sweep that is on its way, held until the commit.
select * from contests.sweeps
where contest_id = %(contest_id)s and number = %(number)s and state = 'sent' for update;

-- name: end_sweep
-- How a sweep ended.
update contests.sweeps set state = %(state)s, signature = %(signature)s, slot = %(slot)s, reason = %(reason)s,
    moved_at = %(now)s
where contest_id = %(contest_id)s and number = %(number)s;
