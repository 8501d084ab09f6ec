-- name: insert_tasks
-- New tasks; the ids of those that were new. In key order, so that two callers with the same keys cannot deadlock.
insert into kernel.tasks (id, kind, business_key, payload, run_at, expires_at, resend_s, attempts_max, sweep_at,
    correlation_id, created_at, changed_at)
select id, kind, business_key, payload, run_at, expires_at, resend_s, attempts_max, sweep_at, correlation_id,
    %(now)s, %(now)s
from jsonb_to_recordset(%(tasks)s) as task (id uuid, kind text, business_key text, payload jsonb, run_at timestamptz,
    expires_at timestamptz, resend_s integer[], attempts_max integer, sweep_at timestamptz, correlation_id text)
order by kind, business_key
on conflict (kind, business_key) do nothing
returning id, kind, business_key, run_at, resend_s, fence, correlation_id;

-- name: ids_by_key
-- The ids of tasks that were there already, as (kind, business key) pairs.
select task.kind, task.business_key, task.id
from unnest(%(kinds)s::text[], %(business_keys)s::text[]) as wanted (kind, business_key)
join kernel.tasks task using (kind, business_key);

-- name: lock_task
-- A task, locked until the transaction ends: whoever rules on it does so alone.
select id, kind, business_key, payload, state, run_at, expires_at, resend_s, attempt, attempts_max, fence, lease_until,
    correlation_id
from kernel.tasks
where id = %(id)s
for update;

-- name: claim_task
-- The task is leased under the next fencing token; the attempt of a silent holder is closed as lost.
with claimed as (
    update kernel.tasks
    set state = 'leased', attempt = %(attempt)s, fence = fence + 1, lease_owner = %(owner)s,
        lease_until = %(lease_until)s, sweep_at = %(lease_until)s, changed_at = %(now)s
    where id = %(id)s
    returning id, fence, attempt
), lost as (
    update kernel.task_attempts set ended_at = %(now)s, outcome = 'lost' where task_id = %(id)s and ended_at is null
)
insert into kernel.task_attempts (task_id, fence, attempt, owner, started_at)
select id, fence, attempt, %(owner)s, %(now)s
from claimed
returning fence;

-- name: settle_held
-- The holder's ruling on its task, and on the attempt it made: nothing happens unless the token still holds.
with settled as (
    update kernel.tasks
    set state = %(state)s, attempt = coalesce(%(attempt)s, attempt), run_at = coalesce(%(run_at)s, run_at), lease_owner = null,
        lease_until = null, sweep_at = coalesce(%(sweep_at)s, sweep_at), result = %(result)s,
        error_code = %(error_code)s, error = %(error)s, finished_at = %(finished_at)s, changed_at = %(now)s
    where id = %(id)s and fence = %(fence)s and state = 'leased'
    returning id, fence
)
update kernel.task_attempts attempt
set ended_at = %(now)s, outcome = %(outcome)s, error_code = %(error_code)s, error = %(error)s
from settled
where attempt.task_id = settled.id and attempt.fence = settled.fence;

-- name: settle_unheld
-- A ruling on tasks that nobody holds. The token is raised, so that a silent holder stays shut out, and the ruling
-- has an attempt record of its own under it.
with settled as (
    update kernel.tasks
    set state = %(state)s, attempt = coalesce(%(attempt)s, attempt), run_at = coalesce(%(run_at)s, run_at),
        fence = fence + 1, lease_owner = null, lease_until = null, sweep_at = coalesce(%(sweep_at)s, sweep_at),
        error_code = %(error_code)s, error = %(error)s, finished_at = %(finished_at)s, changed_at = %(now)s
    where id = any(%(ids)s)
    returning id, fence, attempt
), lost as (
    update kernel.task_attempts set ended_at = %(now)s, outcome = 'lost'
    where task_id = any(%(ids)s) and ended_at is null
)
insert into kernel.task_attempts (task_id, fence, attempt, owner, started_at, ended_at, outcome, error_code, error)
select id, fence, attempt, %(owner)s, %(now)s, %(now)s, %(outcome)s, %(error_code)s, %(error)s
from settled;

-- name: hasten_task
-- A task that waits is due now. One that somebody has locked is being claimed or finished, and is left alone.
with waiting as (
    select id from kernel.tasks
    where kind = %(kind)s and business_key = %(business_key)s and state = 'ready' and run_at > %(early)s
    for update skip locked
)
update kernel.tasks task
set run_at = %(now)s, sweep_at = %(sweep_at)s, changed_at = %(now)s
from waiting
where task.id = waiting.id
returning task.id, task.kind, task.business_key, task.run_at, task.resend_s, task.fence, task.correlation_id;

-- name: renew_lease
-- A holder that needs longer keeps its task; nothing happens unless the token still holds.
update kernel.tasks
set lease_until = %(lease_until)s, sweep_at = %(lease_until)s, changed_at = %(now)s
where id = %(id)s and fence = %(fence)s and state = 'leased';

-- name: note_sent
-- The messages about these tasks are on their way: the sweeper need not look for a while. Written without waiting for
-- the disk, because losing it costs a duplicate message. A row that somebody else has locked is left: whoever holds it
-- notes more than this, and waiting for several rows in an order of one's own is how deadlocks come about.
with free as materialized (
    select task.id, sent.sweep_at
    from unnest(%(ids)s::uuid[], %(fences)s::bigint[], %(sweep_at)s::timestamptz[]) as sent (id, fence, sweep_at)
    join kernel.tasks task using (id, fence)
    where task.state in ('ready', 'leased') and task.sweep_at < sent.sweep_at
    for update of task skip locked
)
update kernel.tasks task
set sweep_at = free.sweep_at
from free
where task.id = free.id;

-- name: open_kinds
-- Every kind with open tasks and how many of it wait for the sweeper, counted up to a limit. The recursion hops from
-- kind to kind along the index instead of reading the backlog.
with recursive kinds as (
    (select kind from kernel.tasks where state in ('ready', 'leased') order by kind limit 1)
    union all
    select (select task.kind from kernel.tasks task
            where task.kind > kinds.kind and task.state in ('ready', 'leased') order by task.kind limit 1)
    from kinds
    where kinds.kind is not null
)
select kinds.kind, (
    select count(*) from (
        select from kernel.tasks task
        where task.kind = kinds.kind and task.state in ('ready', 'leased') and task.sweep_at <= %(now)s
        limit %(limit)s
    ) waiting
) as waiting
from kinds
where kinds.kind is not null;

-- name: take_shares
-- Each kind's share of what waits for the sweeper, oldest first. Rows another sweeper or a worker has locked are left.
with taken as materialized (
    select task.id
    from unnest(%(kinds)s::text[], %(shares)s::integer[]) as granted (kind, share)
    cross join lateral (
        select id
        from kernel.tasks
        where kind = granted.kind and state in ('ready', 'leased') and sweep_at <= %(now)s
        order by sweep_at
        limit granted.share
        for update skip locked
    ) task
)
update kernel.tasks task
set sweep_at = %(sweep_at)s
from taken
where task.id = taken.id
returning task.id, task.kind, task.run_at, task.resend_s, task.fence, task.correlation_id;

-- name: lock_expired
-- Open tasks whose window has closed and that nobody holds.
select id
from kernel.tasks
where state in ('ready', 'leased') and expires_at <= %(now)s and (lease_until is null or lease_until <= %(now)s)
order by expires_at
limit %(limit)s
for update skip locked;

-- name: remove_finished
-- Retention: finished tasks older than a moment, with their attempts. Parked ones stay until somebody decides.
delete from kernel.tasks
where id in (
    select id from kernel.tasks
    where state in ('done', 'skipped', 'dropped') and finished_at < %(before)s
    order by finished_at
    limit %(limit)s
    for update skip locked
);

-- name: task_by_id
-- A task as an operator sees it.
select id, kind, business_key, payload, state, attempt, attempts_max, run_at, expires_at, lease_owner, lease_until,
    correlation_id, result, error_code, error, created_at, changed_at, finished_at
from kernel.tasks
where id = %(id)s;

-- name: tasks_by_business_key
-- Every task about one business key, oldest first: a line each in its trace.
select id, kind, business_key, payload, state, attempt, attempts_max, run_at, expires_at, lease_owner, lease_until,
    correlation_id, result, error_code, error, created_at, changed_at, finished_at
from kernel.tasks
where business_key = %(business_key)s
order by id
limit %(limit)s;

-- name: attempts_of
-- What happened to some tasks, in order.
select task_id, fence, attempt, owner, started_at, ended_at, outcome, error_code, error
from kernel.task_attempts
where task_id = any(%(ids)s)
order by task_id, fence;

-- name: parked_tasks
-- Parked tasks, newest first, from below an id on.
select id, kind, business_key, payload, state, attempt, attempts_max, run_at, expires_at, lease_owner, lease_until,
    correlation_id, result, error_code, error, created_at, changed_at, finished_at
from kernel.tasks
where state = 'parked' and (%(kind)s::text is null or kind = %(kind)s) and (%(below)s::uuid is null or id < %(below)s)
order by id desc
limit %(limit)s;

-- name: parked_by_kind
-- How many tasks of each kind wait for an operator: an alarm's figure.
select kind, count(*) as parked
from kernel.tasks
where state = 'parked'
group by kind
order by kind;

-- name: insert_dead_letter
-- A message that was given up, and what was done about it; the same message again changes nothing.
insert into kernel.dead_letters (id, queue, message_id, body, attributes, received_at, task_id, verdict)
values (%(id)s, %(queue)s, %(message_id)s, %(body)s, %(attributes)s, %(now)s, %(task_id)s, %(verdict)s)
on conflict (queue, message_id) do nothing;

-- name: dead_letters
-- Given-up messages, newest first, from below an id on.
select id, queue, message_id, body, attributes, received_at, task_id, verdict, replayed_at, replayed_by
from kernel.dead_letters
where %(below)s::uuid is null or id < %(below)s
order by id desc
limit %(limit)s;

-- name: dead_letter
-- One given-up message.
select body, attributes, task_id
from kernel.dead_letters
where id = %(id)s;

-- name: mark_dead_letter_replayed
-- By whom and when a given-up message was replayed last.
update kernel.dead_letters
set replayed_at = %(now)s, replayed_by = %(actor)s
where id = %(id)s;
