-- name: standings
-- Of each pattern: free addresses, searches that wait, searches under way.
select letters, place, is_case_sensitive, sum(free)::int as free, sum(pending)::int as pending,
       sum(processing)::int as processing
from (
    select letters, place, is_case_sensitive, 1 as free, 0 as pending, 0 as processing
    from contests.vanity_pool where contest_id is null
    union all
    select letters, place, is_case_sensitive, 0, (state = 'pending')::int, (state = 'processing')::int
    from contests.vanity_jobs where state in ('pending', 'processing')
) there
group by letters, place, is_case_sensitive;

-- name: lock_pool
-- Whoever plans searches takes turns until the commit.
select pg_advisory_xact_lock(hashtextextended('contests.vanity_jobs', 0));

-- name: want_search
-- A search that waits.
insert into contests.vanity_jobs (id, letters, place, is_case_sensitive, asked_at, moved_at)
values (%(id)s, %(letters)s, %(place)s, %(is_case_sensitive)s, %(now)s, %(now)s);

-- name: cancel_searches
-- The newest of those that wait for a pattern.
update contests.vanity_jobs
set state = 'cancelled', reason = 'nobody needs it any more', moved_at = %(now)s
where id in (
    select id from contests.vanity_jobs
    where state = 'pending' and letters = %(letters)s and place = %(place)s and is_case_sensitive = %(is_case_sensitive)s
    order by asked_at desc, id desc limit %(limit)s
    for update skip locked);

-- name: waiting_searches
-- Those that have waited longest.
select id, letters, place, is_case_sensitive from contests.vanity_jobs
where state = 'pending' order by asked_at, id limit %(limit)s;

-- name: processing_searches
-- How many are under way.
select count(*) as amount from contests.vanity_jobs where state = 'processing';

-- name: ask_search
-- A search that is asked for, unless somebody else was first.
update contests.vanity_jobs
set state = 'processing', recipient = %(recipient)s, opening = %(opening)s, moved_at = %(now)s
where id = %(id)s and state = 'pending';

-- name: name_offload_job
-- Which computation it is.
update contests.vanity_jobs set offload_job = %(offload_job)s where id = %(id)s;

-- name: search_of
-- The search of a computation.
select id, letters, place, is_case_sensitive, state, recipient, opening, address
from contests.vanity_jobs where offload_job = %(offload_job)s;

-- name: complete_search
-- Its end with so many tries, and with an address or none; its opening is erased.
update contests.vanity_jobs
set state = 'completed', tries = %(tries)s, address = %(address)s, opening = null, moved_at = %(now)s
where id = %(id)s and state = 'processing';

-- name: fail_search
-- Its end without any; its opening is erased.
update contests.vanity_jobs
set state = 'failed', reason = %(reason)s, opening = null, moved_at = %(now)s
where id = %(id)s and state = 'processing';

-- name: fail_stuck
-- Those of which nobody has told anything for too long.
update contests.vanity_jobs
set state = 'failed', reason = 'nobody told of its end', opening = null, moved_at = %(now)s
where state = 'processing' and moved_at <= %(before)s;

-- name: pool
-- An address that waits for a contest.
insert into contests.vanity_pool (address, letters, place, is_case_sensitive, job, pooled_at)
values (%(address)s, %(letters)s, %(place)s, %(is_case_sensitive)s, %(job)s, %(now)s);
