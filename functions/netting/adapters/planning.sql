-- name: be_patient
-- Between the statements of a large batch lie seconds of clearing and packing, more on a busy machine. A planner that
-- froze gives its locks back after this.
select set_config('statement_timeout', '60s', true), set_config('idle_in_transaction_session_timeout', '120s', true);

-- name: lock_planning
-- One batch is planned at a time: each sees what the one before has reserved.
select pg_advisory_xact_lock(hashtextextended('netting.batches/planning', 0));

-- name: eligible
-- The intents that may be netted now, what never was tried first, each with how many and how old those are.
-- An intent waits while its item or its buyer is spoken for, or its item is asked back; and so do later ones of the
-- item, which were signed for what comes before them. One that was skipped is tried with every batch, but calls for
-- one only if its buyer's funds were read again since.
with pending as (
    select i.id, i.item_id, i.created_at_ms, i.nonce,
        items.subject is not null or buyers.subject is not null or o.requested_at is not null as is_held,
        i.reason is null or b.read_at > i.moved_at as is_fresh
    from netting.intents i
    left join netting.item_ownership o on o.item_id = i.item_id
    left join netting.wallet_balances b on b.wallet = i.buyer
    left join netting.reservations items on items.kind = 'item' and items.subject = i.item_id
    left join netting.reservations buyers on buyers.kind = 'wallet' and buyers.subject = i.buyer
    where i.state = 'pending' and i.created_at_ms > %(oldest_ms)s
), in_order as (
    select *, bool_or(is_held) over (partition by item_id order by created_at_ms, nonce, id collate "C") as waits
    from pending
)
select id,
    count(*) filter (where is_fresh) over () as fresh,
    min(created_at_ms) filter (where is_fresh) over () as fresh_since_ms
from in_order
where not waits
order by is_fresh desc, created_at_ms, nonce, id collate "C"
limit %(most)s;

-- name: lock_intents
-- Those of these intents that are still pending, held until the commit.
select id, item_id, seller, buyer, amount_lamports, nonce, created_at_ms
from netting.intents
where id = any (%(ids)s) and state = 'pending'
order by id
for update;

-- name: hold_items
-- Who owns these items, and nobody else until the commit.
select item_id, owner, creator, royalty_bps, requested_at
from netting.item_ownership
where item_id = any (%(items)s)
order by item_id
for share;

-- name: hold_balances
-- What these wallets can spend, neither more nor less until the commit.
select wallet, greatest(0, locked_lamports - requested_lamports) as available_lamports
from netting.wallet_balances
where wallet = any (%(wallets)s)
order by wallet
for share;

-- name: insert_batch
-- A batch as it was planned.
insert into netting.batches (id, state, intents, accepted, items, wallets, transactions, packing_bound,
                             traded_lamports, moved_lamports, rule_lamports, found_lamports, optimal_lamports,
                             result_hash, da_hash, items_root, state_root, netted_at, moved_at)
values (%(batch)s, %(state)s, %(intents)s, %(accepted)s, %(items)s, %(wallets)s, %(transactions)s, %(packing_bound)s,
        %(traded_lamports)s, %(moved_lamports)s, %(rule_lamports)s, %(found_lamports)s, %(optimal_lamports)s,
        %(result_hash)s, %(da_hash)s, %(items_root)s, %(state_root)s, %(now)s, %(now)s);

-- name: insert_settlements
-- Its settlements. A check of the table refuses one that does not add up to zero.
insert into netting.settlements (batch, ordinal, content, entries, moved_at)
select %(batch)s, ordinal, content::jsonb, entries, %(now)s
from unnest(%(ordinals)s::int[], %(contents)s::text[], %(entries)s::int[]) as one (ordinal, content, entries);

-- name: insert_reservations
-- What its settlements count on; fewer than were asked for where somebody else was first.
insert into netting.reservations (kind, subject, amount_lamports, batch, ordinal, reserved_at)
select kind, subject, amount_lamports, %(batch)s, ordinal, %(now)s
from unnest(%(kinds)s::text[], %(subjects)s::text[], %(amounts)s::bigint[], %(ordinals)s::int[])
    as one (kind, subject, amount_lamports, ordinal)
order by kind, subject
on conflict do nothing;

-- name: accept_intents
-- Accepted intents are its settlements' from now on.
update netting.intents
set state = 'batched', reason = null, batch = %(batch)s, settlement = one.ordinal, moved_at = %(now)s
from unnest(%(ids)s::text[], %(ordinals)s::int[]) as one (id, ordinal)
where intents.id = one.id and state = 'pending';

-- name: keep_waiting
-- Skipped intents that time can help remember why, and when they were tried with new facts.
update netting.intents
set reason = one.reason, moved_at = %(now)s
from unnest(%(ids)s::text[], %(reasons)s::text[]) as one (id, reason)
where intents.id = one.id and state = 'pending'
    and (intents.reason is distinct from one.reason
         or exists (select from netting.wallet_balances b where b.wallet = intents.buyer and b.read_at > intents.moved_at));

-- name: drop_intents
-- Intents that will never be.
update netting.intents
set state = 'dropped', reason = one.reason, moved_at = %(now)s
from unnest(%(ids)s::text[], %(reasons)s::text[]) as one (id, reason)
where intents.id = one.id and state = 'pending';

-- name: drop_too_old
-- The oldest of the intents that waited too long.
update netting.intents
set state = 'dropped', reason = 'too_old', moved_at = %(now)s
where id in (
    select id from netting.intents
    where state = 'pending' and created_at_ms <= %(oldest_ms)s
    order by created_at_ms, nonce, id collate "C"
    limit %(most)s
    for update skip locked
) and state = 'pending'
returning id;

-- name: keep_metadata
-- What is published of a batch, until it is pinned.
insert into netting.unpinned_metadata (batch, content, kept_at) values (%(batch)s, %(content)s, %(now)s);

-- name: unpinned
-- Batches whose metadata is not pinned, the oldest first.
select batch from netting.unpinned_metadata order by kept_at, batch limit %(most)s;

-- name: metadata_to_pin
-- What is to be pinned of one; nothing once it is.
select content from netting.unpinned_metadata where batch = %(batch)s;

-- name: forget_metadata
-- It is pinned now.
delete from netting.unpinned_metadata where batch = %(batch)s;
