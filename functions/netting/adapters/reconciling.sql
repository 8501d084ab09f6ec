-- name: differing
-- Wallets whose books and whose account differ, as one moment has both.
select coalesce(chain.wallet, substr(books.name, 16)) as subject, coalesce(books.balance, 0) as booked_lamports,
    coalesce(chain.locked_lamports, 0) as chain_lamports, coalesce(chain.slot, 0) as slot
from netting.wallet_balances chain
full join (
    select name, balance from kernel.ledger_accounts
    where asset = %(asset)s and starts_with(name, 'netting:locked:')) books
    on books.name = 'netting:locked:' || chain.wallet
where coalesce(books.balance, 0) <> coalesce(chain.locked_lamports, 0)
order by subject
limit %(limit)s;

-- name: sums
-- What all wallets have by their accounts, and what the books owe to and hold between them.
select (select coalesce(sum(locked_lamports), 0) from netting.wallet_balances) as chain_lamports,
    (select coalesce(min(slot), 0) from netting.wallet_balances) as slot,
    (select coalesce(sum(-balance), 0) from kernel.ledger_accounts
        where name = %(outside)s and asset = %(asset)s) as outside_lamports,
    (select coalesce(sum(balance), 0) from kernel.ledger_accounts
        where name = %(clearing)s and asset = %(asset)s) as clearing_lamports,
    exists (select from netting.settlements where state in ('sent', 'landed', 'settled')) as is_settling;

-- name: open_differences
-- Differences that an earlier turn has found, locked: one turn at a time.
select subject, booked_lamports, chain_lamports, confirmed_at from netting.differences
where ended_at is null order by subject for update;

-- name: begin
-- A difference is seen for the first time.
insert into netting.differences (subject, booked_lamports, chain_lamports, slot, seen_at)
values (%(subject)s, %(booked_lamports)s, %(chain_lamports)s, %(slot)s, %(now)s)
on conflict (subject) where ended_at is null do nothing;

-- name: confirm
-- It is still there.
update netting.differences set confirmed_at = %(now)s where subject = %(subject)s and ended_at is null;

-- name: end
-- It is over.
update netting.differences set ended_at = %(now)s where subject = %(subject)s and ended_at is null;

-- name: forget_unconfirmed
-- What only one turn has seen was on its way.
delete from netting.differences where ended_at is not null and confirmed_at is null;

-- name: page
-- Differences, newest first.
select * from netting.differences where id < %(below)s order by id desc limit %(limit)s;
