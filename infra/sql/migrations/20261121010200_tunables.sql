-- migrate:up

-- Every value an operator ever gave a tunable. Rows are only added: the newest version is the value, the others the audit.
create table kernel.tunables (
    name       text        not null check (name ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    version    integer     not null check (version >= 1),
    value      numeric     not null,
    old_value  numeric     not null,
    changed_by text        not null check (length(changed_by) between 1 and 200),
    changed_at timestamptz not null,
    reason     text        not null check (length(reason) between 1 and 1000),
    primary key (name, version)
);
-- Slices read; operators change through the ops slice; nobody rewrites what was.
grant select on kernel.tunables to counterpart_slice;
grant insert on kernel.tunables to counterpart_ops;

-- migrate:down

drop table kernel.tunables;
