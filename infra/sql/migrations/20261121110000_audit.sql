-- migrate:up

-- The newest link of the audit chain. Whoever adds one holds this row until the commit, so the chain has no forks.
create table kernel.audit_head (
    is_the_only boolean primary key default true check (is_the_only),
    seq         bigint  not null,
    hash        bytea   not null check (octet_length(hash) = 32)
);
insert into kernel.audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

-- One privileged act: who did what to what, and why. Each row's hash covers the row and the hash before it, so that no
-- row can be changed or left out without all later hashes being wrong. kernel/audit/chain.py computes the same.
create table kernel.audit_log (
    seq           bigint      primary key check (seq > 0),
    at            timestamptz not null,
    actor         text        not null check (length(actor) between 1 and 200),
    action        text        not null check (action ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    subject       text        not null check (length(subject) between 1 and 300),
    details       text        not null check (length(details) <= 10000),  -- JSON, kept as it was hashed
    previous_hash bytea       not null check (octet_length(previous_hash) = 32),
    hash          bytea       not null unique check (octet_length(hash) = 32)
);
create index audit_log_subject on kernel.audit_log (subject, seq);

-- A text behind its length in bytes, so that no two rows have the same octets.
create function kernel.audit_text(value text) returns bytea language sql immutable strict as $$
    select int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8')
$$;

-- The database itself numbers and hashes: a writer gives who, what and why, and cannot give a hash.
-- Security definer, since writers may not touch the head.
create function kernel.audit_link() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    head kernel.audit_head;
begin
    select * into strict head from kernel.audit_head for update;
    new.seq := head.seq + 1;
    new.previous_hash := head.hash;
    new.hash := sha256(
        int8send(new.seq) || int8send((extract(epoch from new.at) * 1000000)::bigint)
        || kernel.audit_text(new.actor) || kernel.audit_text(new.action) || kernel.audit_text(new.subject)
        || kernel.audit_text(new.details) || new.previous_hash
    );
    update kernel.audit_head set seq = new.seq, hash = new.hash;
    return new;
end
$$;
create trigger audit_link before insert on kernel.audit_log for each row execute function kernel.audit_link();

create function kernel.audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is only ever added to';
end
$$;
create trigger audit_append_only before update or delete or truncate on kernel.audit_log
    for each statement execute function kernel.audit_refuse();

grant insert (at, actor, action, subject, details), select on kernel.audit_log to counterpart_slice;
grant select on kernel.audit_head to counterpart_slice;

-- migrate:down

drop table kernel.audit_log;
drop function kernel.audit_refuse();
drop function kernel.audit_link();
drop function kernel.audit_text(text);
drop table kernel.audit_head;
