-- name: declare_wallet
-- A new wallet, or a declared one with other floors; what it belongs to stays.
insert into kernel.treasury_wallets (chain, address, service, floor, target, funded_by, declared_at)
values (%(chain)s, %(address)s, %(service)s, %(floor)s, %(target)s, %(funded_by)s, %(now)s)
on conflict (chain, address) do update
set floor = excluded.floor, target = excluded.target, funded_by = excluded.funded_by
returning *;

-- name: wallets
-- Every wallet.
select * from kernel.treasury_wallets order by chain, service, address;

-- name: wallet
-- One wallet.
select * from kernel.treasury_wallets where chain = %(chain)s and address = %(address)s;

-- name: lock_wallet
-- One wallet, held until the commit: its readings, its top-ups and the bookings of differences come one by one.
-- A transfer that names the wallet need not wait, or the two could wait for each other over its account.
select * from kernel.treasury_wallets where chain = %(chain)s and address = %(address)s for no key update;

-- name: open_wallet
-- What the books of a wallet begin with.
update kernel.treasury_wallets
set opened_at = %(now)s, opened_block = %(block)s, opened_balance = %(balance)s, checked_nonce = %(transactions)s
where chain = %(chain)s and address = %(address)s;

-- name: store_reading
-- What a check found, as it stands now.
update kernel.treasury_wallets
set read_at = %(now)s, read_block = %(block)s, chain_balance = %(chain_balance)s, verdict = %(verdict)s,
    difference = %(difference)s, reason = %(reason)s, alarms = %(alarms)s,
    checked_nonce = coalesce(%(checked_nonce)s, checked_nonce),
    -- What waits for arrivals is stuck only if nothing of it moves.
    unsettled_since = case when %(verdict)s = 'pending' then
        case when %(is_awaited)s and difference <> %(difference)s then %(now)s
             else coalesce(unsettled_since, %(now)s) end
    end
where chain = %(chain)s and address = %(address)s;

-- name: add_reading
-- What a check found, kept because it is not what the one before found.
insert into kernel.treasury_readings (chain, address, block, chain_balance, expected, verdict, difference, reason, read_at)
values (%(chain)s, %(address)s, %(block)s, %(chain_balance)s, %(expected)s, %(verdict)s, %(difference)s, %(reason)s,
        %(now)s);

-- name: book_difference
-- A difference that a person has booked is not to be booked again before the wallet is read anew.
update kernel.treasury_wallets
set verdict = 'pending', difference = 0, reason = 'a difference was booked; not read again yet', unsettled_since = %(now)s
where chain = %(chain)s and address = %(address)s;

-- name: transfer
-- One transfer by its key.
select * from kernel.treasury_transfers where key = %(key)s;

-- name: transfer_by_entry
-- The transfer that an outbox entry belongs to.
select * from kernel.treasury_transfers where entry_id = %(entry_id)s for update;

-- name: record_transfer
-- A transfer that was asked for.
insert into kernel.treasury_transfers (key, kind, service, chain, sender, recipient, amount, reserve, entry_id, actor,
                                       reason, recorded_at)
values (%(key)s, %(kind)s, %(service)s, %(chain)s, %(sender)s, %(recipient)s, %(amount)s, %(reserve)s, %(entry_id)s,
        %(actor)s, %(reason)s, %(now)s)
returning *;

-- name: settle_transfer
-- How a transfer ended, what it cost, and what it moved.
update kernel.treasury_transfers
set state = %(state)s, block = %(block)s, transaction_id = %(transaction_id)s, fee = %(fee)s, paid = %(paid)s,
    settled_at = %(now)s
where key = %(key)s;

-- name: deposit
-- One deposit that is booked.
select * from kernel.treasury_deposits where key = %(key)s;

-- name: expect_arrivals
-- What will come to a wallet whose books are open; what is expected already, or has come, stays as it is.
insert into kernel.treasury_arrivals (key, chain, wallet, amount, expected_at)
select e.key, w.chain, w.address, e.amount, %(now)s
from unnest(%(keys)s::text[], %(amounts)s::numeric[]) as e (key, amount)
join kernel.treasury_wallets w on w.chain = %(chain)s and w.address = %(wallet)s and w.opened_at is not null
on conflict (key) do nothing;

-- name: await_arrival
-- What was expected is waited for no longer, or again; what has come stays so.
update kernel.treasury_arrivals a set arrived_at = case when not %(is_awaited)s then %(now)s::timestamptz end
where key = %(key)s and not exists (select from kernel.treasury_deposits d where d.key = a.key);

-- name: record_deposit
-- A deposit, as it is booked; it is not expected any more.
with arrived as (
    update kernel.treasury_arrivals set arrived_at = %(now)s where key = %(key)s and arrived_at is null
)
insert into kernel.treasury_deposits (key, event, chain, wallet, amount, block, transaction_id, forward_to, booked_at)
values (%(key)s, %(event)s, %(chain)s, %(wallet)s, %(amount)s, %(block)s, %(transaction_id)s, %(forward_to)s, %(now)s)
returning *;

-- name: top_ups
-- How many top-ups a wallet ever had, and how many are on their way.
select count(*) as ever, count(*) filter (where state = 'open') as under_way
from kernel.treasury_transfers where chain = %(chain)s and recipient = %(address)s and kind = 'top_up';

-- name: lock_transfer_key
-- Alone with a transfer's key until the commit, so that of two requests at once the second sees the first.
select pg_advisory_xact_lock(hashtextextended('kernel.treasury_transfers/' || %(key)s, 0));

-- name: evm_is_quiet
-- Whether every nonce that was leased is used at the block where the books are to begin.
select not exists (
    select from kernel.evm_nonces
    where chain_id = %(chain_id)s and signer = %(address)s and next_nonce > %(transactions)s
) as quiet;

-- name: evm_unbooked
-- Settled transactions of a wallet that moved something and are in no books: those that its service sent by itself.
select o.id, o.state, o.value_wei, o.fee_wei as fee, o.block_number, o.transaction_hash
from kernel.evm_outbox o
where o.chain_id = %(chain_id)s and o.signer = %(address)s and o.nonce >= %(checked_nonce)s
    and o.settled_at is not null and o.block_number > %(opened_block)s
    and (o.fee_wei > 0 or (o.value_wei > 0 and o.state = 'confirmed'))
    and not exists (select from kernel.ledger_transactions t where t.business_key = 'treasury/settled/' || o.id)
order by o.nonce
limit %(limit)s;

-- name: evm_books
-- A wallet in the ledger and the outbox, brought back to a block. One statement, so that it is of one moment.
with own as (
    select o.*, o.fee_wei as fee,
        exists (select from kernel.ledger_transactions t where t.business_key = 'treasury/settled/' || o.id) as booked
    from kernel.evm_outbox o
    where o.chain_id = %(chain_id)s and o.signer = %(address)s
        and o.nonce >= least(%(checked_nonce)s::bigint, %(transactions)s::bigint)
), incoming as (
    select x.state, x.amount, x.block from kernel.treasury_transfers x
    where x.chain = %(chain)s and x.recipient = %(address)s and (x.state = 'open' or x.block > %(block)s)
    union all
    select 'confirmed', d.amount, d.block from kernel.treasury_deposits d
    where d.chain = %(chain)s and d.wallet = %(address)s and d.block > %(block)s
)
select
    (select balance from kernel.ledger_accounts where name = %(account)s and asset = %(asset)s) as account,
    (select balance from kernel.ledger_accounts where name = %(in_transit)s and asset = %(asset)s) as in_transit,
    (select coalesce(sum(case when state = 'confirmed' then value_wei else 0 end + fee), 0) from own
     where nonce >= %(transactions)s and booked and block_number is not null) as left_later,
    (select coalesce(sum(amount), 0) from incoming where state = 'confirmed') as came_later,
    (select coalesce(sum(amount), 0) from incoming where state = 'open') as arriving,
    (select coalesce(sum(e.amount), 0) from kernel.treasury_arrivals e
     where e.chain = %(chain)s and e.wallet = %(address)s and e.arrived_at is null) as awaited,
    (select count(*) from own
     where nonce < %(transactions)s and (settled_at is null
         or (not booked and block_number is not null and (fee > 0 or (value_wei > 0 and state = 'confirmed')))))
        as unbooked;

-- name: solana_is_quiet
-- Whether no transaction that the wallet pays for is open.
select not exists (
    select from kernel.solana_outbox where cluster = %(cluster)s and payer = %(address)s and settled_at is null
) as quiet;

-- name: solana_books
-- The same on Solana, where only a settled transaction tells its slot: any other that is signed may be on the chain.
with outgoing as (
    select x.state, coalesce(x.paid, x.amount) as amount, x.fee, x.block from kernel.treasury_transfers x
    where x.chain = %(chain)s and x.sender = %(address)s and x.block > %(block)s
), incoming as (
    select x.state, x.amount, x.block from kernel.treasury_transfers x
    where x.chain = %(chain)s and x.recipient = %(address)s and (x.state = 'open' or x.block > %(block)s)
    union all
    select 'confirmed', d.amount, d.block from kernel.treasury_deposits d
    where d.chain = %(chain)s and d.wallet = %(address)s and d.block > %(block)s
)
select
    (select balance from kernel.ledger_accounts where name = %(account)s and asset = %(asset)s) as account,
    (select balance from kernel.ledger_accounts where name = %(in_transit)s and asset = %(asset)s) as in_transit,
    (select coalesce(sum(case when state = 'confirmed' then amount else 0 end + fee), 0) from outgoing) as left_later,
    (select coalesce(sum(amount), 0) from incoming where state = 'confirmed') as came_later,
    (select coalesce(sum(amount), 0) from incoming where state = 'open') as arriving,
    (select coalesce(sum(e.amount), 0) from kernel.treasury_arrivals e
     where e.chain = %(chain)s and e.wallet = %(address)s and e.arrived_at is null) as awaited,
    (select count(*) from kernel.solana_outbox o
     where o.cluster = %(cluster)s and o.payer = %(address)s and o.settled_at is null
        and exists (select from kernel.solana_payloads p where p.entry_id = o.id)) as unbooked;

-- name: last_block
-- The newest slot of what is booked: a chain that is read before it would not show it.
select greatest(%(opened_block)s, max(block)) as block
from (
    select block from kernel.treasury_transfers
    where chain = %(chain)s and (sender = %(address)s or recipient = %(address)s)
    union all
    select block from kernel.treasury_deposits where chain = %(chain)s and wallet = %(address)s
) as booked;
