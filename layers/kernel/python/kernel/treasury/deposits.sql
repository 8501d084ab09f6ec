-- name: declare_inlet
-- A new inlet, or other terms of a declared one; it stays with its wallet, and begins where it began.
insert into kernel.treasury_inlets as known (watch, chain, address, wallet, forward_to, least, start_block, declared_at)
values (%(watch)s, %(chain)s, %(address)s, %(wallet)s, %(forward_to)s, %(least)s, %(start_block)s, %(now)s)
on conflict (chain, address) do update set forward_to = excluded.forward_to, least = excluded.least
where known.wallet = excluded.wallet
returning *;

-- name: inlets
-- Every inlet.
select * from kernel.treasury_inlets order by chain, address;

-- name: inlets_at
-- The inlets at some addresses of a chain.
select * from kernel.treasury_inlets where chain = %(chain)s and address = any(%(addresses)s) order by address;

-- name: is_own_transfer
-- Whether a Solana transaction is a transfer of ours to this wallet: its end is booked by whoever sent it.
select exists (
    select from kernel.solana_payloads p join kernel.treasury_transfers t on t.entry_id = p.entry_id
    where p.signature = %(signature)s and t.recipient = %(wallet)s
) as own;
