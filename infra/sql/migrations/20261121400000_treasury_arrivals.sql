-- migrate:up

-- What a service expects to come to a wallet of its own from outside, at most so much, until it is booked: meanwhile
-- the chain may hold more than the books. key: of the deposit as which it will be booked.
create table kernel.treasury_arrivals (
    key         text           primary key check (length(key) between 1 and 160),
    chain       text           not null,
    wallet      text           not null,
    amount      numeric(78, 0) not null check (amount > 0),
    expected_at timestamptz    not null,
    arrived_at  timestamptz,
    foreign key (chain, wallet) references kernel.treasury_wallets (chain, address)
);
create index treasury_arrivals_awaited on kernel.treasury_arrivals (chain, wallet) where arrived_at is null;

grant select, update (arrived_at) on kernel.treasury_arrivals to counterpart_slice;
grant insert on kernel.treasury_arrivals to counterpart_bridge;

-- migrate:down

drop table kernel.treasury_arrivals;
