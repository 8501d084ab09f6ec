-- migrate:up

set local role counterpart_netting;

-- Which session key gave the other party's word: the payer's in a TRADE, the seller's in a BID that was taken up.
alter table netting.intents add column counter_session text;
alter table netting.intents add constraint intents_countered
    check ((counter_signature is null) = (counter_session is null));
-- Nobody pays, and nobody sells, without having signed: a purchase's seller has signed the ask.
alter table netting.intents add constraint intents_agreed
    check (kind = 'BUY_NOW' or counter_signature is not null or (kind = 'BID' and state in ('offered', 'dropped')));
-- A seller who withdraws an ask takes back what waits on it.
create index intents_at_listing on netting.intents (listing_id) where state = 'pending' and listing_id is not null;
-- Bids that nobody takes up end after an hour.
create index intents_offers on netting.intents (created_at_ms) where state = 'offered';

-- How many intents a key signed in its newest second, and in the second before: functions/netting/core/pace.py.
alter table netting.session_keys
    add column pace_second bigint  not null default 0,
    add column pace_count  integer not null default 0 check (pace_count >= 0),
    add column pace_before integer not null default 0 check (pace_before >= 0);
reset role;

-- migrate:down

alter table netting.session_keys drop column pace_second, drop column pace_count, drop column pace_before;
drop index netting.intents_offers;
drop index netting.intents_at_listing;
alter table netting.intents drop constraint intents_agreed;
alter table netting.intents drop constraint intents_countered;
alter table netting.intents drop column counter_session;
