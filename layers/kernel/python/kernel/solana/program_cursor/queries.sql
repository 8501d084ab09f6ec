-- name: open_cursor
-- The first turn of a watch; a concurrent first turn wins or loses here, and both then read the row.
insert into kernel.solana_cursors (watch, cluster, kind, address, last_signature, last_slot, opened_at, changed_at)
values (%(watch)s, %(cluster)s, %(kind)s, %(address)s, %(last_signature)s, %(last_slot)s, %(now)s, %(now)s)
on conflict (watch) do nothing;

-- name: cursor
-- How far a watch has delivered.
select * from kernel.solana_cursors where watch = %(watch)s;

-- name: lock_cursor
-- The same, held until the commit: whoever moves a watch does so alone.
select * from kernel.solana_cursors where watch = %(watch)s for update;

-- name: waiting
-- How many findings wait, and the ordinal of the oldest.
select count(*) as count, coalesce(max(ordinal), 0) as ordinal
from kernel.solana_cursor_findings where watch = %(watch)s;

-- name: oldest
-- The findings to deliver next, oldest first.
select ordinal, signature, slot, succeeded from kernel.solana_cursor_findings
where watch = %(watch)s order by ordinal desc limit %(limit)s;

-- name: keep_finding
-- A transaction that a walk found.
insert into kernel.solana_cursor_findings (watch, ordinal, signature, slot, succeeded)
values (%(watch)s, %(ordinal)s, %(signature)s, %(slot)s, %(succeeded)s)
on conflict (watch, signature) do nothing;

-- name: forget_findings
-- Findings that are delivered.
delete from kernel.solana_cursor_findings where watch = %(watch)s and ordinal >= %(down_to)s;

-- name: walk_on
-- How far a walk back has come.
update kernel.solana_cursors
set walk_before = %(before)s, walk_is_done = %(is_done)s, version = version + 1, changed_at = %(now)s
where watch = %(watch)s;

-- name: move_cursor
-- The newest transaction that is delivered now; the walk is over when nothing waits any more.
update kernel.solana_cursors
set last_signature = %(last_signature)s, last_slot = %(last_slot)s, sequence = %(sequence)s, version = version + 1,
    walk_before = case when %(is_over)s then null else walk_before end, walk_is_done = not %(is_over)s,
    alarm = coalesce(%(alarm)s, alarm),
    alarmed_at = case when %(alarm)s::text is null then alarmed_at else %(now)s end, changed_at = %(now)s
where watch = %(watch)s;

-- name: acknowledge
-- A person has seen to the alarm.
update kernel.solana_cursors set alarm = null, alarmed_at = null where watch = %(watch)s and alarm is not null;
