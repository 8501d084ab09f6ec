-- migrate:up

-- Why an effect that was recorded is not to be signed any more: whoever owes it said so before its first signature.
alter table kernel.evm_outbox add column unwanted text check (char_length(unwanted) between 1 and 200);

-- migrate:down

alter table kernel.evm_outbox drop column unwanted;
