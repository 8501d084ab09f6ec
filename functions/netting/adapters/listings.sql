-- name: hold_listings
-- Asks as they stand, which nobody withdraws until this transaction has ended.
select listing_id, item_id, seller, price_lamports, expires_at, state
from netting.listings
where listing_id = any (%(ids)s)
order by listing_id
for share;

-- name: item_for_sale
-- An item's owner of record, if there is such an item; null for one that its owner wants back.
select case when requested_at is null then owner end as owner
from netting.item_ownership
where item_id = %(item_id)s;

-- name: insert_listing
-- A new ask; nothing if its id or its seller's nonce is taken.
insert into netting.listings
    (listing_id, item_id, seller, price_lamports, expires_at, nonce, signature, listed_at, moved_at)
values
    (%(listing_id)s, %(item_id)s, %(seller)s, %(price_lamports)s, %(expires_at)s, %(nonce)s, %(signature)s,
     %(now)s, %(now)s)
on conflict do nothing
returning *;

-- name: listing
-- One ask.
select * from netting.listings where listing_id = %(listing_id)s;

-- name: lock_listing
-- One ask, and nobody else decides about it.
select * from netting.listings where listing_id = %(listing_id)s for update;

-- name: listings
-- A page of asks, the newest first. `open`: those at which anybody may buy now.
select *
from netting.listings
where (%(item_id)s::text is null or item_id = %(item_id)s)
  and (%(seller)s::text is null or seller = %(seller)s)
  and (%(state)s::text is null or state = %(state)s)
  and (not %(open)s or (state = 'active' and expires_at > %(now)s))
  and (%(listed_at)s::timestamptz is null or (listed_at, listing_id) < (%(listed_at)s, %(after_id)s))
order by listed_at desc, listing_id desc
limit %(limit)s;

-- name: withdraw_listing
-- Its seller takes it back.
update netting.listings
set state = 'withdrawn', moved_at = %(now)s
where listing_id = %(listing_id)s and state = 'active'
returning *;

-- name: drop_purchases
-- What waits to buy at an ask that is no more, locked in the order in which a batch locks it; what is in one already
-- goes on.
update netting.intents
set state = 'dropped', reason = 'listing_ended', moved_at = %(now)s
where id in (select id
             from netting.intents
             where listing_id = %(listing_id)s and kind = 'BUY_NOW' and state = 'pending'
             order by id
             for update)
returning id;
