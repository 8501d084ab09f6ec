-- name: open_account
-- An empty account, unless it is open already.
insert into kernel.ledger_accounts (name, asset, may_go_negative, opened_at)
values (%(name)s, %(asset)s, %(may_go_negative)s, %(now)s)
on conflict (name, asset) do nothing;

-- name: same_account
-- The account, if it is open under this very rule.
select 1 as found from kernel.ledger_accounts
where name = %(name)s and asset = %(asset)s and may_go_negative = %(may_go_negative)s;

-- name: post
-- One transaction with all its postings, unless its key is posted already.
select id, is_new from kernel.ledger_post(%(id)s, %(business_key)s, %(service)s, %(memo)s, %(now)s, %(postings)s);

-- name: transaction
-- One transaction.
select * from kernel.ledger_transactions where id = %(id)s;

-- name: transaction_by_key
-- One transaction by its business key.
select * from kernel.ledger_transactions where business_key = %(business_key)s;

-- name: postings
-- The postings of one transaction.
select account, asset, amount from kernel.ledger_postings where transaction_id = %(transaction_id)s order by ordinal;

-- name: account
-- One account.
select * from kernel.ledger_accounts where name = %(name)s and asset = %(asset)s;

-- name: statement
-- The postings of one account behind a sequence number, oldest first.
select p.sequence, p.transaction_id, t.business_key, t.service, t.memo, p.amount, p.balance, t.posted_at
from kernel.ledger_postings p join kernel.ledger_transactions t on t.id = p.transaction_id
where p.account = %(account)s and p.asset = %(asset)s and p.sequence > %(after)s
order by p.sequence
limit %(limit)s;

-- name: discrepancies
-- Where what is kept differs from what the postings say.
select kind, subject, kept, computed from kernel.ledger_discrepancies order by kind, subject limit %(limit)s;
