-- migrate:up

-- Wei per gas above which the effect is not worth it: its nonce is then used by a cancellation. Null: the policy's cap.
alter table kernel.evm_outbox add column gas_price_max_wei numeric(78, 0) check (gas_price_max_wei > 0);

-- migrate:down

alter table kernel.evm_outbox drop column gas_price_max_wei;
