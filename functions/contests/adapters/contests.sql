-- name: contest
-- One contest.
select * from contests.contests where id = %(id)s;

-- name: lock_contest
-- One contest, held until the commit: whoever moves it, or takes its snapshot.
select * from contests.contests where id = %(id)s for update;

-- name: share_contest
-- One contest, held against whoever moves it or takes its snapshot, but not against others who trade.
select * from contests.contests where id = %(id)s for share;

-- name: move_contest
-- A contest's next state, if it is still in the one that it leaves.
update contests.contests set state = %(state)s, reason = coalesce(%(reason)s, reason), moved_at = %(now)s
where id = %(id)s and state = %(state_left)s
returning *;

-- name: add_contest
-- A contest that is announced; nothing where its template has one at this moment already.
insert into contests.contests (id, name, template, fee_lamports, entrants_min, entrants_max, starts_at, ends_at,
                               stake_micros, shares_bps, rake_bps, created_at, moved_at)
values (%(id)s, %(name)s, %(template)s, %(fee_lamports)s, %(entrants_min)s, %(entrants_max)s, %(starts_at)s, %(ends_at)s,
        %(stake_micros)s, %(shares_bps)s, %(rake_bps)s, %(now)s, %(now)s)
on conflict do nothing
returning *;

-- name: contests_page
-- Contests, the last to start first, below one of them; of one state, or of all.
select * from contests.contests
where (starts_at, id) < (%(starts_at)s, %(id)s) and (%(states)s::text[] is null or state = any(%(states)s))
order by starts_at desc, id desc
limit %(limit)s;

-- name: contests_to_step
-- Contests whose start, grace or end is near or has passed.
select * from contests.contests
where (state = 'pending' and starts_at <= %(until)s) or (state = 'active' and ends_at <= %(until)s)
order by starts_at, id
limit %(limit)s;

-- name: contests_to_rank
-- Contests that are over and not ranked yet.
select * from contests.contests where state = 'evaluating' order by ends_at, id limit %(limit)s;

-- name: entrants
-- A contest's entrants in the order of their numbers.
select wallet, number, lamports from contests.entries where contest_id = %(contest)s order by number;
