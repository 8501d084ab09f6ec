-- name: shelf
-- In which table the account of each of these subjects lies and can be used.
select subject, address from netting.lookup_members
where kind = %(kind)s and subject = any (%(subjects)s) and usable_at is not null;

-- name: members_by_table
-- How many of these accounts lie in each table.
select address, count(*) as members from netting.lookup_members
where account = any (%(accounts)s) and usable_at is not null
group by address;

-- name: want_members
-- Accounts that are to lie in a table, in this order; those that are known already stay as they are.
insert into netting.lookup_members (account, kind, subject)
select account, kind, subject
from unnest(%(accounts)s::text[], %(kinds)s::text[], %(subjects)s::text[]) with ordinality as m (account, kind, subject, place)
order by place
on conflict do nothing;

-- name: lock_tables
-- Alone with the tables until the commit.
select pg_advisory_xact_lock(hashtextextended('netting.lookup_tables', 0));

-- name: state_of_tables
-- How many tables there are, and whether something is being added.
select (select count(*) from netting.lookup_tables) as tables,
       exists (select from netting.lookup_members where transfer is not null and usable_at is null) as under_way;

-- name: table_with_room
-- The oldest table that is not full.
select * from netting.lookup_tables where members < %(members_max)s order by created_at, address limit 1;

-- name: members_wanted
-- Accounts that wait for a place, in the order in which they came.
select account from netting.lookup_members
where address is null and failures < %(failures_max)s
order by wanted
limit %(limit)s;

-- name: record_table
-- A table that is being made.
insert into netting.lookup_tables (address, members, created_at) values (%(address)s, %(members)s, %(now)s)
on conflict (address) do nothing;

-- name: members_on_their_way
-- What adds these accounts to which table.
update netting.lookup_members set address = %(address)s, transfer = %(transfer)s where account = any (%(accounts)s);

-- name: grow_table
-- A table has so many members more, as soon as they are there.
update netting.lookup_tables set members = members + %(members)s, transfers = transfers + 1 where address = %(address)s;

-- name: members_usable
-- What was added is there, final.
update netting.lookup_members set usable_at = %(usable_at)s where transfer = %(transfer)s;

-- name: members_lost
-- What was not added waits again; how many of each table.
with lost as (
    select account, address from netting.lookup_members where transfer = %(transfer)s and usable_at is null
), freed as (
    update netting.lookup_members m set address = null, transfer = null, failures = failures + 1 from lost where m.account = lost.account
)
select address, count(*) as members from lost group by address;

-- name: shrink_table
-- A table lacks what was not added.
update netting.lookup_tables set members = members - %(members)s where address = %(address)s;

-- name: drop_empty_tables
-- A table that was not made is none.
delete from netting.lookup_tables t
where t.members <= %(members)s
  and not exists (select from netting.lookup_members m where m.address = t.address);
