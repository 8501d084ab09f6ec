-- name: lock_paying_sessions
-- The session keys that paid for intents: a TRADE's buyer counter-signed it, any other payer signed first.
-- Locked in one order by everybody who changes their volume.
select key
from netting.session_keys
where key in (select case when kind = 'TRADE' then counter_session else session end
              from netting.intents where id = any (%(ids)s))
order by key
for no key update;

-- name: release_volume
-- What dropped intents had reserved of their payers' sessions.
update netting.session_keys as keys
set used_volume_lamports = keys.used_volume_lamports - dropped.amount_lamports
from (select case when kind = 'TRADE' then counter_session else session end as key,
             sum(amount_lamports)::bigint as amount_lamports
      from netting.intents
      where id = any (%(ids)s)
      group by 1) as dropped
where keys.key = dropped.key;

-- name: lock_sessions
-- What these session keys may do, locked until their volume is written back. A key whose registration has not settled
-- trades for nobody yet.
select key, owner, allowed_actions, max_volume_lamports, used_volume_lamports, expires_at, state,
       pace_second, pace_count, pace_before
from netting.session_keys
where key = any (%(keys)s) and state in ('active', 'revoking', 'revoked')
order by key
for no key update;

-- name: trading_sessions
-- Each owner's newest sessions that may trade: whose counter-signature it could be where none is named.
select owners.owner, keys.key
from unnest(%(owners)s::text[]) as owners (owner)
cross join lateral (
    select key
    from netting.session_keys
    where owner = owners.owner and state = 'active' and expires_at > %(now)s and 'TRADE' = any (allowed_actions)
    order by requested_at desc
    limit %(most)s
) as keys;

-- name: known_items
-- Which of these items there are.
select item_id
from netting.item_ownership
where item_id = any (%(items)s);

-- name: known_intents
-- Intents of these ids, and those that have used one of these nonces.
select id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms, kind, listing_id, state
from netting.intents
where id = any (%(ids)s)
union
select id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms, kind, listing_id, state
from netting.intents
join unnest(%(sessions)s::text[], %(nonces)s::text[]::numeric[]) as wanted (session, nonce) using (session, nonce);

-- name: insert_intents
-- New intents, in the order of their ids, so that two requests never wait for each other in a ring. One whose id was
-- taken a moment ago by another session is left out.
insert into netting.intents
    (id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms, kind, listing_id, signature,
     counter_signature, counter_session, state, received_at, moved_at)
select new.id, new.session, new.owner, new.item_id, new.seller, new.buyer, new.amount_lamports, new.nonce,
       new.created_at_ms, new.kind, new.listing_id, new.signature, new.counter_signature, new.counter_session,
       new.state, %(now)s, %(now)s
from jsonb_to_recordset(%(intents)s) as new (
    id text, session text, owner text, item_id text, seller text, buyer text, amount_lamports bigint,
    nonce numeric, created_at_ms bigint, kind text, listing_id text, signature bytea, counter_signature bytea,
    counter_session text, state text)
order by new.id
on conflict (id) do nothing
returning id;

-- name: charge_sessions
-- What new intents take of their payers' volume, and of their signers' second.
update netting.session_keys as keys
set used_volume_lamports = keys.used_volume_lamports + charged.lamports,
    pace_second = charged.pace_second,
    pace_count = charged.pace_count,
    pace_before = charged.pace_before
from jsonb_to_recordset(%(sessions)s) as charged (
    key text, lamports bigint, pace_second bigint, pace_count integer, pace_before integer)
where keys.key = charged.key;

-- name: intent
-- One intent.
select * from netting.intents where id = %(id)s;

-- name: lock_intent
-- One intent, and nobody else decides about it.
select * from netting.intents where id = %(id)s for no key update;

-- name: take_up_bid
-- The seller's word makes a bid a trade; what is pinned of it is to have that word too.
update netting.intents
set state = 'pending', counter_signature = %(signature)s, counter_session = %(session)s, pinned_in = null,
    moved_at = %(now)s
where id = %(id)s and state = 'offered'
returning *;

-- name: end_stale_bids
-- Bids that nobody took up in time.
update netting.intents
set state = 'dropped', reason = 'offer_ended', moved_at = %(now)s
where id in (select id from netting.intents
             where state = 'offered' and created_at_ms < %(before_ms)s
             order by created_at_ms
             limit %(most)s
             for no key update skip locked)
returning id;

-- name: unpinned_intents
-- Intents that are in no pin, the oldest first; a bid that was taken up is pinned once more, with the seller's word.
select *
from netting.intents
where pinned_in is null
order by received_at, id
limit %(most)s;

-- name: mark_pinned
-- Where they are pinned from now on; not a bid that was taken up since it was read, which waits for the next pin.
update netting.intents
set pinned_in = %(key)s
from unnest(%(ids)s::text[], %(taken_up)s::boolean[]) as pinned (id, is_taken_up)
where intents.id = pinned.id and pinned_in is null and (counter_session is not null) = pinned.is_taken_up;
