-- name: open_cursor
-- The first turn of a watch; a concurrent first turn wins or loses here, and both then read the row.
insert into bridge.starknet_cursors (watch, network, kind, start_block, next_block, opened_at, changed_at)
values (%(watch)s, %(network)s, %(kind)s, %(start_block)s, %(start_block)s, %(now)s, %(now)s)
on conflict (watch) do nothing;

-- name: cursor
-- How far a watch has read.
select * from bridge.starknet_cursors where watch = %(watch)s;

-- name: lock_cursor
-- The same, held until the commit: whoever moves a watch does so alone.
select * from bridge.starknet_cursors where watch = %(watch)s for update;

-- name: blocks
-- The blocks that are remembered, dropped ones included, oldest first.
select number, hash, readings, is_canonical from bridge.starknet_cursor_blocks
where watch = %(watch)s order by number;

-- name: events_of
-- What was delivered of these blocks, newest first: the order in which it is taken back.
select e.event, b.readings
from bridge.starknet_cursor_events e
join bridge.starknet_cursor_blocks b on b.watch = e.watch and b.hash = e.block_hash
where e.watch = %(watch)s and e.block_hash = any(%(hashes)s)
order by b.number desc, e.position desc;

-- name: drop_blocks
-- Blocks that are no longer of the chain; they stay remembered, for they may return.
update bridge.starknet_cursor_blocks set is_canonical = false where watch = %(watch)s and hash = any(%(hashes)s);

-- name: keep_block
-- A block that was read, for the first time or again.
insert into bridge.starknet_cursor_blocks (watch, hash, number, readings, is_canonical)
values (%(watch)s, %(hash)s, %(number)s, %(readings)s, true)
on conflict (watch, hash) do update set readings = excluded.readings, is_canonical = true;

-- name: keep_event
-- An event that was delivered; what a block holds never changes, so a second reading brings the same.
insert into bridge.starknet_cursor_events (watch, block_hash, position, event)
values (%(watch)s, %(block_hash)s, %(position)s, %(event)s)
on conflict (watch, block_hash, position) do nothing;

-- name: forget_blocks
-- Blocks older than what is kept, and with them their events.
delete from bridge.starknet_cursor_blocks where watch = %(watch)s and number < %(oldest)s;

-- name: move_cursor
-- The new place, if the row is still as it was read.
update bridge.starknet_cursors
set next_block = %(next_block)s, sequence = %(sequence)s, version = version + 1, alarm = coalesce(%(alarm)s, alarm),
    alarmed_at = case when %(alarm)s::text is null then alarmed_at else %(now)s end, changed_at = %(now)s
where watch = %(watch)s and version = %(version)s;
