-- name: keep_offer
-- A message that a wallet may sign; no row where the very message, or an answer to the very request, is there already.
insert into netting.wallet_transactions (id, kind, wallet, subject, amount_lamports, message, last_height, slot, asked_key,
                                         offered_at, moved_at)
values (%(id)s, %(kind)s, %(wallet)s, %(subject)s, %(amount_lamports)s, %(message)s, %(last_height)s, %(slot)s,
        %(asked_key)s, %(now)s, %(now)s)
on conflict do nothing
returning *;

-- name: forget_offers
-- What nobody signed within an hour; its keys and messages are free again.
delete from netting.wallet_transactions where state = 'offered' and offered_at < %(before)s;

-- name: supersede
-- Offers of a kind for a subject that another one takes the place of.
update netting.wallet_transactions set state = 'expired', reason = 'superseded', moved_at = %(now)s
where state = 'offered' and kind = %(kind)s and subject = %(subject)s;

-- name: asked
-- The answer to a wallet's request.
select * from netting.wallet_transactions where wallet = %(wallet)s and asked_key = %(asked_key)s;

-- name: transaction
-- One by its id.
select * from netting.wallet_transactions where id = %(id)s;

-- name: lock_transaction
-- One by its id, held until the commit.
select * from netting.wallet_transactions where id = %(id)s for update;

-- name: with_message
-- The offer of a message.
select * from netting.wallet_transactions where message = %(message)s;

-- name: send
-- The wallet has signed it.
update netting.wallet_transactions set state = %(state)s, signature = %(signature)s, moved_at = %(now)s where id = %(id)s
returning *;

-- name: end
-- What became of it.
update netting.wallet_transactions set state = %(state)s, reason = %(reason)s, moved_at = %(now)s where id = %(id)s
returning *;

-- name: page
-- A wallet's, newest first.
select * from netting.wallet_transactions
where wallet = %(wallet)s
    and (%(below_at)s::timestamptz is null or (offered_at, id) < (%(below_at)s, %(below_id)s::uuid))
order by offered_at desc, id desc
limit %(limit)s;
