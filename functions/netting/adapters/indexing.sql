-- name: numbers_of
-- The program's numbers of items.
select item_id, item_number from netting.item_ownership where item_id = any(%(items)s);

-- name: settle_intents
-- What was batched for a settlement is settled.
update netting.intents set state = 'settled', reason = null, moved_at = %(now)s
where batch = %(batch)s and settlement = %(ordinal)s and state = 'batched'
returning id;

-- name: first_sellers
-- Of each item of a settlement, who had it before: the seller of the intent that was accepted first.
select distinct on (item_id) item_id, seller from netting.intents
where batch = %(batch)s and settlement = %(ordinal)s
order by item_id, created_at_ms, nonce, id collate "C";

-- name: sell_listings
-- A listing is sold by the purchase that names it, and by any sale after which its seller has the item no more.
update netting.listings set state = 'sold', moved_at = %(now)s
where state = 'active' and (
    listing_id in (
        select listing_id from netting.intents where batch = %(batch)s and settlement = %(ordinal)s)
    or exists (
        select from netting.intents sold
        where sold.batch = %(batch)s and sold.settlement = %(ordinal)s
            and sold.item_id = listings.item_id and sold.seller = listings.seller)
    and not exists (
        select from unnest(%(items)s::text[], %(owners)s::text[]) final (item_id, owner)
        where final.item_id = listings.item_id and final.owner = listings.seller));

-- name: keep_foreign
-- A batch that nobody here has made.
insert into netting.foreign_batches (chain_batch, reason, batch_hash, items, wallets, slot, signature, seen_at)
values (%(chain_batch)s, %(reason)s, %(batch_hash)s, %(items)s, %(wallets)s, %(slot)s, %(signature)s, %(now)s)
on conflict (chain_batch) do nothing;
