-- name: deposits
-- What a chain's event brought, and the transfer that forwards it: told by the one's key or the other's.
select key, event from kernel.treasury_deposits
where event in (%(key)s, %(name)s) or key in (%(key)s, %(name)s) limit %(limit)s;

-- name: tasks
-- The work that was asked for under this key, of whatever kind.
select id, kind, state, attempt, correlation_id, error_code, error, created_at, finished_at
from kernel.tasks where business_key = any(%(keys)s) order by created_at limit %(limit)s;

-- name: attempts
-- Who worked on it; of a task that is looked at for days, the newest attempts.
select t.kind, a.fence, a.attempt, a.owner, a.started_at, a.ended_at, a.outcome, a.error_code, a.error
from kernel.task_attempts a join kernel.tasks t on t.id = a.task_id
where t.business_key = any(%(keys)s) order by a.started_at desc limit %(limit)s;

-- name: evm_entries
-- The EVM transaction that is owed under this key.
select id, business_key, chain_id, signer, nonce, recipient, value_wei, state, reason, transaction_hash, block_number,
       gas_used, gas_price_wei, fee_wei, alarm, recorded_at, settled_at
from kernel.evm_outbox where business_key = any(%(keys)s);

-- name: evm_payloads
-- Everything that was signed for it, at every nonce that it ever had.
select p.nonce, p.purpose, p.max_fee_wei, p.tip_wei, p.hash, p.signed_at, p.sent_at, p.accepted_at, p.refusal
from kernel.evm_payloads p join kernel.evm_outbox o on o.id = p.entry_id
where o.business_key = any(%(keys)s) order by p.signed_at limit %(limit)s;

-- name: solana_entries
-- The Solana transaction that is owed under this key.
select id, business_key, cluster, payer, state, reason, signature, slot, fee_lamports, alarm, recorded_at, settled_at
from kernel.solana_outbox where business_key = any(%(keys)s);

-- name: solana_payloads
-- Everything that was signed for it.
select p.signature, p.purpose, p.last_valid_block_height, p.unit_price, p.signed_at, p.sent_at, p.accepted_at, p.refusal
from kernel.solana_payloads p join kernel.solana_outbox o on o.id = p.entry_id
where o.business_key = any(%(keys)s) order by p.signed_at limit %(limit)s;

-- name: postings
-- What was booked under this key, and at the end of its transactions.
select t.business_key, t.memo, t.posted_at, p.account, p.asset, p.amount
from kernel.ledger_transactions t join kernel.ledger_postings p on p.transaction_id = t.id
where t.business_key = any(%(ledger_keys)s)
order by t.posted_at, t.id, p.ordinal limit %(limit)s;

-- name: signature_requests
-- What somebody outside was asked to sign for it.
select id, chain, address, state, requested_at, resolved_at, resolved_by
from kernel.signature_requests where business_key = any(%(keys)s) order by requested_at limit %(limit)s;

-- name: webhooks
-- Who was told of it by webhooks, and what came of that.
select m.topic, m.published_at, d.endpoint_id, d.state, d.attempts, d.status, d.problem, d.ended_at, e.owner
from kernel.webhook_messages m
join kernel.webhook_deliveries d on d.message_id = m.id
join kernel.webhook_endpoints e on e.id = d.endpoint_id
where m.business_key = any(%(keys)s) order by m.published_at, d.endpoint_id limit %(limit)s;

-- name: offload_jobs
-- What was asked to be computed for it.
select id, service, function, state, reason, recorded_at, ended_at
from kernel.offload_jobs where business_key = any(%(keys)s) order by recorded_at limit %(limit)s;

-- name: offload_attempts
-- Who computed it, at which price, and what came of that.
select a.attempt, a.provider, a.price_microusd, a.call_id, a.begun_at, a.hinted_at, a.ended_at, a.outcome, a.error
from kernel.offload_attempts a join kernel.offload_jobs j on j.id = a.job_id
where j.business_key = any(%(keys)s) order by a.begun_at limit %(limit)s;

-- name: acts
-- What was done to it, or to its tasks, by somebody with the right to.
select seq, at, actor, action, subject from kernel.audit_log
where subject = any(%(subjects)s) order by seq limit %(limit)s;
