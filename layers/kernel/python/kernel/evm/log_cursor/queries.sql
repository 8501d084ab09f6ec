-- name: open_cursor
-- The first turn of a watch; a concurrent first turn wins or loses here, and both then read the row.
insert into kernel.evm_cursors (watch, chain_id, kind, start_block, next_block, span_blocks, opened_at, changed_at)
values (%(watch)s, %(chain_id)s, %(kind)s, %(start_block)s, %(start_block)s, %(span_blocks)s, %(now)s, %(now)s)
on conflict (watch) do nothing;

-- name: cursor
-- How far a watch has read.
select * from kernel.evm_cursors where watch = %(watch)s;

-- name: lock_cursor
-- The same, held until the commit: whoever moves a watch does so alone.
select * from kernel.evm_cursors where watch = %(watch)s for update;

-- name: blocks
-- The blocks that are remembered, dropped ones included, oldest first.
select number, hash, readings, is_canonical from kernel.evm_cursor_blocks where watch = %(watch)s order by number;

-- name: events_of
-- What was delivered of these blocks, newest first: the order in which it is taken back.
select e.event, b.readings
from kernel.evm_cursor_events e join kernel.evm_cursor_blocks b on b.watch = e.watch and b.hash = e.block_hash
where e.watch = %(watch)s and e.block_hash = any(%(hashes)s)
order by b.number desc, e.log_index desc;

-- name: drop_blocks
-- Blocks that are no longer of the chain; they stay remembered, for they may return.
update kernel.evm_cursor_blocks set is_canonical = false where watch = %(watch)s and hash = any(%(hashes)s);

-- name: keep_block
-- A block that was read, for the first time or again.
insert into kernel.evm_cursor_blocks (watch, hash, number, readings, is_canonical)
values (%(watch)s, %(hash)s, %(number)s, %(readings)s, true)
on conflict (watch, hash) do update set readings = excluded.readings, is_canonical = true;

-- name: keep_event
-- An event that was delivered; what a block holds never changes, so a second reading brings the same.
insert into kernel.evm_cursor_events (watch, block_hash, log_index, event)
values (%(watch)s, %(block_hash)s, %(position)s, %(event)s)
on conflict (watch, block_hash, log_index) do nothing;

-- name: forget_blocks
-- Blocks older than what is kept, and with them their events.
delete from kernel.evm_cursor_blocks where watch = %(watch)s and number < %(oldest)s;

-- name: move_cursor
-- The new place, if the row is still as it was read.
update kernel.evm_cursors
set next_block = %(next_block)s, sequence = %(sequence)s, version = version + 1, span_blocks = %(span_blocks)s,
    span_proven = %(span_proven)s, span_refused = %(span_refused)s, span_well = %(span_well)s,
    alarm = coalesce(%(alarm)s, alarm),
    alarmed_at = case when %(alarm)s::text is null then alarmed_at else %(now)s end, changed_at = %(now)s
where watch = %(watch)s and version = %(version)s;

-- name: note_span
-- What was learned of a provider's limit. Nobody's place changes, so whoever writes last may win.
update kernel.evm_cursors
set span_blocks = %(span_blocks)s, span_proven = %(span_proven)s, span_refused = %(span_refused)s,
    span_well = %(span_well)s
where watch = %(watch)s;

-- name: acknowledge
-- A person has seen to the alarm.
update kernel.evm_cursors set alarm = null, alarmed_at = null where watch = %(watch)s and alarm is not null;
