-- migrate:up

-- One account of one asset, with its balance. The balance is moved by kernel.ledger_move_balance and by nothing else.
create table kernel.ledger_accounts (
    name            text           not null check (name ~ '^[a-z][a-z0-9_]*(:[A-Za-z0-9_.-]+)+$' and length(name) <= 200),
    asset           text           not null check (asset ~ '^[a-z][a-z0-9_]*:[a-z0-9-]+:[A-Za-z0-9]+$' and length(asset) <= 100),
    may_go_negative boolean        not null,
    balance         numeric(78, 0) not null default 0,
    postings        bigint         not null default 0,
    opened_at       timestamptz    not null,
    primary key (name, asset),
    constraint ledger_accounts_not_overdrawn check (may_go_negative or balance >= 0)
) with (fillfactor = 70);

-- One business event. `postings` seals it: nothing can be added to it later, because the count would not agree.
create table kernel.ledger_transactions (
    id           uuid        primary key,
    business_key text        not null unique check (length(business_key) between 1 and 200),
    service      text        not null check (service ~ '^[a-z][a-z0-9_]*$'),
    memo         text        not null check (length(memo) <= 500),
    postings     integer     not null check (postings between 2 and 1000),
    posted_at    timestamptz not null
);

-- One amount into (+) or out of (-) one account.
create table kernel.ledger_postings (
    transaction_id uuid           not null references kernel.ledger_transactions (id),
    ordinal        integer        not null check (ordinal >= 1),
    account        text           not null,
    asset          text           not null,
    amount         numeric(78, 0) not null check (amount <> 0),
    sequence       bigint         not null,  -- of the account: 1, 2, 3, in the order in which balances moved
    balance        numeric(78, 0) not null,  -- of the account, after this posting
    primary key (transaction_id, ordinal),
    unique (account, asset, sequence),
    foreign key (account, asset) references kernel.ledger_accounts (name, asset)
);

-- Runs before each posting, so that the account's row is locked, its limit checked, and the posting told what it made
-- of the balance.
create function kernel.ledger_move_balance() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
    update kernel.ledger_accounts a
    set balance = a.balance + new.amount, postings = a.postings + 1
    where a.name = new.account and a.asset = new.asset
    returning a.balance, a.postings into new.balance, new.sequence;
    if not found then
        raise exception 'account % of % is not open', new.account, new.asset using errcode = 'foreign_key_violation';
    end if;
    return new;
end
$$;
create trigger ledger_move_balance before insert on kernel.ledger_postings
    for each row execute function kernel.ledger_move_balance();

-- Runs when the transaction commits, once for the ledger transaction and once for each of its postings: whichever was
-- added, the whole must be in balance.
create function kernel.ledger_require_balance() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    wanted uuid := case tg_table_name when 'ledger_transactions' then (to_jsonb(new) ->> 'id')::uuid
                                      else (to_jsonb(new) ->> 'transaction_id')::uuid end;
    declared integer := (select t.postings from kernel.ledger_transactions t where t.id = wanted);
    found_postings integer := (select count(*) from kernel.ledger_postings p where p.transaction_id = wanted);
begin
    if found_postings is distinct from declared then
        raise exception 'ledger transaction % declares % postings and has %', wanted, declared, found_postings
            using errcode = 'check_violation', constraint = 'ledger_transactions_sealed';
    end if;
    if exists (select from kernel.ledger_postings p where p.transaction_id = wanted
               group by p.asset having sum(p.amount) <> 0) then
        raise exception 'ledger transaction % does not balance', wanted
            using errcode = 'check_violation', constraint = 'ledger_transactions_balanced';
    end if;
    return null;
end
$$;
create constraint trigger ledger_transactions_balanced after insert on kernel.ledger_transactions
    deferrable initially deferred for each row execute function kernel.ledger_require_balance();
create constraint trigger ledger_postings_balanced after insert on kernel.ledger_postings
    deferrable initially deferred for each row execute function kernel.ledger_require_balance();

-- What is posted stays: a mistake is put right by a posting the other way. This holds for the owner of the tables, too.
create function kernel.ledger_refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'the ledger is append-only: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger ledger_append_only before update or delete or truncate on kernel.ledger_transactions
    for each statement execute function kernel.ledger_refuse_change();
create trigger ledger_append_only before update or delete or truncate on kernel.ledger_postings
    for each statement execute function kernel.ledger_refuse_change();
create trigger ledger_append_only before delete or truncate on kernel.ledger_accounts
    for each statement execute function kernel.ledger_refuse_change();

-- The only way in for a slice. Accounts are locked in one order whatever order was asked for, so that two
-- transactions with the same accounts wait for each other and never both; of one account, what comes in is posted
-- before what goes out. Answers the id, and whether the transaction is new.
create function kernel.ledger_post(
    new_id uuid, new_key text, new_service text, new_memo text, now timestamptz, new_postings jsonb,
    out id uuid, out is_new boolean
) language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into kernel.ledger_transactions (id, business_key, service, memo, postings, posted_at)
    values (new_id, new_key, new_service, new_memo, jsonb_array_length(new_postings), now)
    on conflict (business_key) do nothing;
    is_new := found;
    if not is_new then
        select t.id into id from kernel.ledger_transactions t where t.business_key = new_key;
        return;
    end if;
    id := new_id;
    insert into kernel.ledger_postings (transaction_id, ordinal, account, asset, amount)
    select new_id, row_number() over wanted, p.account, p.asset, p.amount
    from jsonb_to_recordset(new_postings) as p (account text, asset text, amount numeric)
    window wanted as (order by p.account collate "C", p.asset collate "C", p.amount desc)
    order by 2;
end
$$;
revoke execute on function kernel.ledger_post(uuid, text, text, text, timestamptz, jsonb) from public;

-- What is kept and what the postings say, side by side, where they differ; no row is a sound ledger.
create view kernel.ledger_discrepancies as
    select 'balance' as kind, a.name || ' ' || a.asset as subject, a.balance as kept, coalesce(p.total, 0) as computed
    from kernel.ledger_accounts a
    left join (select account, asset, sum(amount) as total from kernel.ledger_postings group by account, asset) p
        on p.account = a.name and p.asset = a.asset
    where a.balance <> coalesce(p.total, 0)
union all
    select 'count', a.name || ' ' || a.asset, a.postings, coalesce(p.count, 0)
    from kernel.ledger_accounts a
    left join (select account, asset, count(*) as count from kernel.ledger_postings group by account, asset) p
        on p.account = a.name and p.asset = a.asset
    where a.postings <> coalesce(p.count, 0)
union all
    select 'line', l.account || ' ' || l.asset || ' #' || l.sequence, l.balance, l.total
    from (select account, asset, sequence, balance,
                 sum(amount) over (partition by account, asset order by sequence) as total
          from kernel.ledger_postings) l
    where l.balance <> l.total
union all
    select 'transaction', t.business_key || ' ' || p.asset, 0, sum(p.amount)
    from kernel.ledger_transactions t join kernel.ledger_postings p on p.transaction_id = t.id
    group by t.business_key, p.asset
    having sum(p.amount) <> 0;

grant select on kernel.ledger_accounts, kernel.ledger_transactions, kernel.ledger_postings, kernel.ledger_discrepancies
    to counterpart_slice;
-- An account begins empty: its balance is not among the columns that may be given.
grant insert (name, asset, may_go_negative, opened_at) on kernel.ledger_accounts to counterpart_slice;
grant execute on function kernel.ledger_post(uuid, text, text, text, timestamptz, jsonb) to counterpart_slice;

-- migrate:down

drop view kernel.ledger_discrepancies;
drop function kernel.ledger_post(uuid, text, text, text, timestamptz, jsonb);
drop table kernel.ledger_postings;
drop table kernel.ledger_transactions;
drop table kernel.ledger_accounts;
drop function kernel.ledger_refuse_change();
drop function kernel.ledger_require_balance();
drop function kernel.ledger_move_balance();
