-- name: keep_balance
-- What a wallet's ledger holds, unless a newer reading is there.
insert into netting.wallet_balances (wallet, locked_lamports, requested_lamports, slot, read_at)
values (%(wallet)s, %(locked_lamports)s, %(requested_lamports)s, %(slot)s, %(now)s)
on conflict (wallet) do update
set locked_lamports = excluded.locked_lamports, requested_lamports = excluded.requested_lamports,
    slot = excluded.slot, read_at = excluded.read_at
where wallet_balances.slot <= excluded.slot;

-- name: keep_owner
-- Who owns an item, unless a newer reading is there.
update netting.item_ownership
set owner = %(owner)s, requested_at = %(requested_at)s, slot = %(slot)s, read_at = %(now)s
where item_number = %(number)s and slot <= %(slot)s;

-- name: items_numbered
-- Items by their numbers in the program.
select item_id, item_number, mint, owner from netting.item_ownership where item_number = any(%(numbers)s);

-- name: items_minted
-- Items by their mints.
select item_id, item_number, mint, owner from netting.item_ownership where mint = any(%(mints)s);

-- name: tell_history
-- An item changed hands, told once.
insert into netting.item_history (item_id, event, from_wallet, to_wallet, chain_batch, slot, signature, happened_at)
values (%(item_id)s, %(event)s, %(from_wallet)s, %(to_wallet)s, %(chain_batch)s, %(slot)s, %(signature)s, %(at)s)
on conflict (item_id, signature, event) do nothing;

-- name: register_session
-- A session key is registered as its owner has asked it of us; one of other terms is none of ours.
update netting.session_keys set state = 'active', moved_at = %(now)s
where key = %(key)s and owner = %(owner)s and max_volume_lamports = %(max_volume_lamports)s
    and expires_at = to_timestamp(%(expires_at_s)s) and state in ('requested', 'registering', 'failed');

-- name: revoke_session
-- A session key trades no more.
update netting.session_keys set state = 'revoked', moved_at = %(now)s
where key = %(key)s and owner = %(owner)s and state <> 'revoked';

-- name: release_withdrawal
-- What a wallet took back by this transaction is gone from its balance: nothing is held for it any more.
delete from netting.reservations
where wallet_transaction in (select id from netting.wallet_transactions where signature = %(signature)s);

-- name: oldest_balances
-- The wallets whose readings are oldest.
select wallet, slot from netting.wallet_balances order by read_at limit %(limit)s;

-- name: oldest_owners
-- The items in escrow whose readings are oldest.
select item_id, item_number, mint, owner, slot from netting.item_ownership where owner is not null order by read_at limit %(limit)s;
