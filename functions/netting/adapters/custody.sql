-- name: balance
-- A wallet's funds, and what of them is spoken for.
select balance.*, coalesce((
        select sum(reservation.amount_lamports) from netting.reservations reservation
        where reservation.kind = 'wallet' and reservation.subject = balance.wallet), 0)::bigint as reserved_lamports
from netting.wallet_balances balance where balance.wallet = %(wallet)s;

-- name: lock_balance
-- A wallet's funds until the commit: whoever clears a batch waits, or is waited for.
select * from netting.wallet_balances where wallet = %(wallet)s for update;

-- name: item
-- An item and its owner of record, and whether it is spoken for.
select item.*, exists (
        select from netting.reservations reservation
        where reservation.kind = 'item' and reservation.subject = item.item_id) as is_reserved
from netting.item_ownership item where item.item_id = %(item_id)s;

-- name: lock_item
-- An item until the commit.
select * from netting.item_ownership where item_id = %(item_id)s for update;

-- name: reserve
-- Spoken for by a withdrawal; no row where something else has spoken for it.
insert into netting.reservations (kind, subject, amount_lamports, wallet_transaction, reserved_at)
values (%(kind)s, %(subject)s, %(amount_lamports)s, %(wallet_transaction)s, %(now)s)
on conflict do nothing
returning subject;

-- name: release
-- A withdrawal is over: nothing is held for it any more.
delete from netting.reservations where wallet_transaction = %(wallet_transaction)s;
