-- migrate:up

-- Its thresholds are tuned over its own API.
grant insert on kernel.tunables to counterpart_netting;
create policy tunables_of_netting on kernel.tunables for insert to counterpart_netting
    with check (name like 'netting.%');

set local role counterpart_netting;

-- Where the optimal mode is on: what the clearing rule comes to, the best that was found, and what was proved that
-- nothing exceeds (optimal_lamports).
alter table netting.batches
    add column rule_lamports numeric(30, 0),
    add column found_lamports numeric(30, 0) check (found_lamports >= traded_lamports),
    add constraint batches_optimal check (rule_lamports <= found_lamports and found_lamports <= optimal_lamports);
alter table netting.batches alter column da_hash set not null;
alter table netting.batches alter column state_root set not null;

-- The metadata of a batch, compressed, from its commit until it is pinned; nothing of it is settled before.
create table netting.unpinned_metadata (
    batch   uuid        primary key references netting.batches,
    content bytea       not null,
    kept_at timestamptz not null
);
-- It does not shrink any more.
alter table netting.unpinned_metadata alter column content set storage external;

-- Whether a settlement makes or loses nothing.
create function netting.conserves(content jsonb) returns boolean language sql immutable strict parallel safe
return coalesce((select sum((one ->> 1)::numeric) from jsonb_path_query(content, '$.deltas[*]') one), 0)
    + coalesce((select sum((one ->> 1)::numeric) from jsonb_path_query(content, '$.parts[*].credits[*]') one), 0)
    - coalesce((select sum((one ->> 1)::numeric) from jsonb_path_query(content, '$.parts[*].debits[*]') one), 0)
    = 0;
alter table netting.settlements add constraint settlements_conserve check (netting.conserves(content));
reset role;

-- migrate:down

alter table netting.settlements drop constraint settlements_conserve;
drop function netting.conserves(jsonb);
drop table netting.unpinned_metadata;
alter table netting.batches alter column state_root drop not null;
alter table netting.batches alter column da_hash drop not null;
alter table netting.batches drop constraint batches_optimal, drop column found_lamports, drop column rule_lamports;
drop policy tunables_of_netting on kernel.tunables;
revoke insert on kernel.tunables from counterpart_netting;
