-- name: register
-- An item is made known; its number is the program's.
insert into netting.item_ownership (item_id, mint, creator, royalty_bps, read_at)
values (%(item_id)s, %(mint)s, %(creator)s, %(royalty_bps)s, %(now)s)
on conflict do nothing;

-- name: item
-- One item.
select * from netting.item_ownership where item_id = %(item_id)s;

-- name: of_owner
-- What a wallet owns, by item.
select * from netting.item_ownership
where owner = %(owner)s and item_id > %(after)s
order by item_id limit %(limit)s;

-- name: history
-- How an item changed hands, newest first.
select * from netting.item_history
where item_id = %(item_id)s and id < %(below)s
order by id desc limit %(limit)s;
