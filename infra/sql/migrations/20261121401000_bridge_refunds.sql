-- migrate:up

set local role counterpart_bridge;

-- What a message has left of its fee, given back on its origin: booked once, whichever of its orders closes first.
-- transfer: the claim whose orders share it; null where nobody of ours has claimed.
create table bridge.refunds (
    origin           text           not null,
    transaction_hash bytea          not null,  -- on the origin
    block            bigint         not null,
    amount_wei       numeric(78, 0) not null check (amount_wei > 0),
    transfer         text,
    booked_at        timestamptz    not null,
    primary key (origin, transaction_hash)
);
create index refunds_transfer on bridge.refunds (transfer) where transfer is not null;

reset role;

-- migrate:down

drop table bridge.refunds;
