-- name: hold_batch
-- One request of a batch at a time, until its commit; and no wallet is given to a contest until then.
select pg_advisory_xact_lock(hashtextextended('contests.admin_transfers/' || %(batch)s, 0)),
       pg_advisory_xact_lock_shared(hashtextextended('contests.contest_wallets', 0));

-- name: add_transfers
-- Transfers that an administrator asks for; the lines that were new.
insert into contests.admin_transfers (batch, line, kind, source, recipient, mint, decimals, amount, found_lamports,
                                      entry_key, actor, reason, asked_at)
select %(batch)s, line, kind, source, recipient, mint, decimals, amount, found_lamports, entry_key, %(actor)s,
       %(reason)s, %(now)s
from jsonb_to_recordset(%(lines)s) as asked (line integer, kind text, source text, recipient text, mint text,
                                             decimals smallint, amount numeric, found_lamports bigint, entry_key text)
on conflict (batch, line) do nothing
returning line;

-- name: transfers
-- Lines of a batch, with where each stands in the outbox.
select t.line, t.kind, t.source, t.recipient, t.mint, t.amount, t.actor, t.asked_at, t.reason as why, o.state,
       o.signature
from contests.admin_transfers t join kernel.solana_outbox o on o.business_key = t.entry_key
where t.batch = %(batch)s and t.line > %(after)s order by t.line limit %(limit)s;

-- name: asked
-- Which lines of a batch were asked for, and for what.
select line, kind, source, recipient, mint, amount from contests.admin_transfers
where batch = %(batch)s and line = any(%(lines)s);

-- name: transfer_of
-- The transfer that an obligation is for.
select * from contests.admin_transfers where entry_key = %(entry_key)s;

-- name: is_ours
-- Whether the vault keeps this wallet's key for contests.
select exists (select from contests.contest_wallets where address = %(address)s) as ours;
