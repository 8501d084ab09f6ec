-- migrate:up

-- Which kind of task submits the obligation: the same key under another kind is another obligation, and a gap before it
-- is filled by the same worker. Null in older rows, whose task tells it.
alter table kernel.evm_outbox add column submit_kind text
    check (submit_kind ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$');

-- migrate:down

alter table kernel.evm_outbox drop column submit_kind;
