-- migrate:up

-- Every time a person halted a service or let it go on. Rows are only added: the newest version says how it stands.
create table kernel.service_switches (
    service    text        not null check (service ~ '^[a-z][a-z0-9_]*$'),
    version    integer     not null check (version >= 1),
    halted     boolean     not null,
    actor      text        not null check (length(actor) between 1 and 200),
    reason     text        not null check (length(reason) between 1 and 1000),
    changed_at timestamptz not null,
    primary key (service, version)
);

-- How a service stands, for a transaction that is about to owe something. The shared lock is kept until that
-- transaction ends, and a halt takes it alone: when a halt has returned, nothing more is owed. The lock and the look
-- are two statements, because a statement does not see what was committed while it waited.
create function kernel.require_switch(wanted text) returns setof kernel.service_switches
language plpgsql volatile set search_path = pg_catalog as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('kernel.service_switches/' || wanted, 0));
    return query select s.* from kernel.service_switches s where s.service = wanted order by s.version desc limit 1;
end
$$;
revoke execute on function kernel.require_switch(text) from public;

grant select on kernel.service_switches to counterpart_slice;
grant execute on function kernel.require_switch(text) to counterpart_slice;
-- Persons halt and resume through the ops slice; nobody rewrites what was.
grant insert on kernel.service_switches to counterpart_ops;

-- migrate:down

drop function kernel.require_switch(text);
drop table kernel.service_switches;
