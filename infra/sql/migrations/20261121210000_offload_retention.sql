-- migrate:up

-- Ended jobs are removed with their attempts, by whoever removes ended tasks; what is under way stays.
alter table kernel.offload_attempts drop constraint offload_attempts_job_id_fkey;
alter table kernel.offload_attempts add constraint offload_attempts_job_id_fkey
    foreign key (job_id) references kernel.offload_jobs (id) on delete cascade;
create index offload_jobs_ended on kernel.offload_jobs (ended_at) where ended_at is not null;
grant delete on kernel.offload_jobs to counterpart_ops;

-- migrate:down

revoke delete on kernel.offload_jobs from counterpart_ops;
drop index kernel.offload_jobs_ended;
alter table kernel.offload_attempts drop constraint offload_attempts_job_id_fkey;
alter table kernel.offload_attempts add constraint offload_attempts_job_id_fkey
    foreign key (job_id) references kernel.offload_jobs (id);
