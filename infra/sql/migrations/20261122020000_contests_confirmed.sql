-- migrate:up

set local role counterpart_contests_market;
-- Whether a price values: one that moved far within one look waits for a second look at about the same.
alter table contests.market_data add column is_confirmed boolean not null default true;
reset role;

-- migrate:down

alter table contests.market_data drop column is_confirmed;
