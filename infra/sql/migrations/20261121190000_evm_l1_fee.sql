-- migrate:up

-- What an OP-stack chain takes beside the gas, for a transaction's data on the chain below; null elsewhere. `fee_wei` is
-- all that a transaction cost: money that no longer is where it was.
alter table kernel.evm_outbox add column l1_fee_wei numeric(78, 0) check (l1_fee_wei >= 0);
alter table kernel.evm_outbox add column fee_wei numeric(78, 0)
    generated always as (gas_used * gas_price_wei + coalesce(l1_fee_wei, 0)) stored;

-- migrate:down

alter table kernel.evm_outbox drop column fee_wei;
alter table kernel.evm_outbox drop column l1_fee_wei;
