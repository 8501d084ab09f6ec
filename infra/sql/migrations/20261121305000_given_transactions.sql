-- migrate:up

-- A message that was made and signed elsewhere, to be passed on as it is (kernel/outbox/solana/given.py).
alter table kernel.solana_outbox
    add column given_message     bytea  check (octet_length(given_message) <= 1232),
    add column given_signatures  jsonb  check (jsonb_typeof(given_signatures) = 'object'),  -- by address, in base64
    add column given_last_height bigint check (given_last_height > 0),  -- above which it can no longer land
    add column given_slot        bigint check (given_slot >= 0),        -- before which it cannot have landed
    add constraint solana_outbox_given check (
        num_nonnulls(given_message, given_signatures, given_last_height, given_slot) in (0, 4));
-- One message is one effect, whoever asks for it.
create unique index solana_outbox_given_message on kernel.solana_outbox (given_message) where given_message is not null;

-- Which request an offer answers, so that the same request is answered by the same offer; where its blockhash was read;
-- and that no two offers are one message.
alter table netting.wallet_transactions
    add column asked_key text check (length(asked_key) between 1 and 128),
    add column slot      bigint not null check (slot >= 0);
create unique index wallet_transactions_asked on netting.wallet_transactions (wallet, asked_key);
create unique index wallet_transactions_message on netting.wallet_transactions (message);

-- migrate:down

alter table netting.wallet_transactions drop column asked_key, drop column slot;
drop index netting.wallet_transactions_message;
alter table kernel.solana_outbox
    drop column given_message, drop column given_signatures, drop column given_last_height, drop column given_slot;
