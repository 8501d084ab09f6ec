-- name: record_job
-- A job that was asked for, unless its business key is taken: then nothing.
insert into kernel.offload_jobs (id, business_key, service, function, arguments, input_sha256, input_bytes, work,
                                 poll_kind, then_kind, attempts_max, valid_until, correlation_id, recorded_at, changed_at)
values (%(id)s, %(business_key)s, %(service)s, %(function)s, %(arguments)s, %(input_sha256)s, %(input_bytes)s, %(work)s,
        %(poll_kind)s, %(then_kind)s, %(attempts_max)s, %(valid_until)s, %(correlation_id)s, %(now)s, %(now)s)
on conflict (business_key) do nothing;

-- name: job
-- One job by its id.
select * from kernel.offload_jobs where id = %(id)s;

-- name: job_by_key
-- One job by its business key.
select * from kernel.offload_jobs where business_key = %(business_key)s;

-- name: lock_job
-- One job, held until the commit, so that its state moves by one transition at a time.
select state, attempt from kernel.offload_jobs where id = %(id)s for update;

-- name: attempts
-- Every attempt of a job, oldest first.
select attempt, provider, begun_at, give_up_at, call_id, hinted_at, ended_at, outcome, error
from kernel.offload_attempts where job_id = %(id)s order by attempt;

-- name: move_job
-- What became of a job.
update kernel.offload_jobs
set state = %(state)s, attempt = %(attempt)s, reason = %(reason)s, changed_at = %(now)s
where id = %(id)s;

-- name: begin_attempt
-- An attempt, written down before it is made.
insert into kernel.offload_attempts (job_id, attempt, provider, estimate_ms, price_microusd, fence, begun_at, give_up_at)
values (%(id)s, %(attempt)s, %(provider)s, %(estimate_ms)s, %(price_microusd)s, %(fence)s, %(now)s, %(give_up_at)s);

-- name: keep_call
-- By which id the attempt's result can be asked for.
update kernel.offload_attempts set call_id = %(call_id)s where job_id = %(id)s and attempt = %(attempt)s;

-- name: end_attempt
-- What an attempt came to; one that has ended keeps its end.
update kernel.offload_attempts
set ended_at = %(now)s, outcome = %(outcome)s, error = %(error)s
where job_id = %(id)s and attempt = %(attempt)s and ended_at is null;

-- name: end_job
-- The end of a job, with its result if it has one.
update kernel.offload_jobs
set state = %(state)s, result = %(result)s, output_key = %(output_key)s, output_sha256 = %(output_sha256)s,
    output_bytes = %(output_bytes)s, reason = %(reason)s, changed_at = %(now)s, ended_at = %(now)s
where id = %(id)s;

-- name: overdue
-- Jobs that nobody drives: the newest attempt's time was over before a moment, or none was begun since.
select count(*) as amount
from kernel.offload_jobs job
left join kernel.offload_attempts attempt on attempt.job_id = job.id and attempt.attempt = job.attempt
where job.ended_at is null
    and case job.state when 'recorded' then job.changed_at else attempt.give_up_at end < %(before)s;

-- name: remove_ended
-- Retention: jobs that ended before a moment, with their attempts.
delete from kernel.offload_jobs
where id in (
    select id from kernel.offload_jobs where ended_at < %(before)s order by ended_at limit %(limit)s
    for update skip locked);

-- name: hint
-- That the newest attempt of an open job has ended was announced, for the first time: whose poll task that is.
update kernel.offload_attempts attempt
set hinted_at = %(now)s
from kernel.offload_jobs job
where job.id = %(id)s and job.state = 'running' and job.attempt = %(attempt)s
  and attempt.job_id = job.id and attempt.attempt = job.attempt and attempt.hinted_at is null
returning job.poll_kind, job.business_key;
