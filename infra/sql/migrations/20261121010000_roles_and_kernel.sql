-- migrate:up

-- Roles belong to the whole server, so another database of it may have made them already, even at this moment.
-- One NOLOGIN role a slice owns that slice's schema; all are members of counterpart_slice, which may use the kernel's
-- tables. Grant counterpart_app to the login of the functions: it may then SET LOCAL ROLE to any slice.
do $$
declare
    slice text;
    slices text[] := array['counterpart_oracle', 'counterpart_ops', 'counterpart_netting', 'counterpart_contests',
                           'counterpart_bridge', 'counterpart_barter'];
begin
    foreach slice in array array['counterpart_slice', 'counterpart_app'] || slices loop
        begin
            execute format('create role %I nologin', slice);
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
    foreach slice in array slices loop
        if not pg_has_role(slice, 'counterpart_slice', 'member') then
            execute format('grant counterpart_slice to %I', slice);
        end if;
        if not pg_has_role('counterpart_app', slice, 'member') then
            execute format('grant %I to counterpart_app', slice);
        end if;
    end loop;
    if not pg_has_role(current_user, 'counterpart_app', 'member') then
        execute format('grant counterpart_app to %I', current_user);
    end if;
end
$$;

create schema kernel;
grant usage on schema kernel to counterpart_slice;

-- Functions compare the newest applied migration with the one their code needs.
grant select on schema_migrations to counterpart_slice;

-- migrate:down

-- The roles stay: other databases of the server may use them.
revoke select on schema_migrations from counterpart_slice;
drop schema kernel;
