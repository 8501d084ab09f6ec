-- name: add
-- One privileged act, in the transaction that does it; the database numbers and hashes it.
insert into kernel.audit_log (at, actor, action, subject, details)
values (%(at)s, %(actor)s, %(action)s, %(subject)s, %(details)s)
returning seq;

-- name: head
-- The newest link.
select seq, hash from kernel.audit_head;

-- name: links_after
-- The chain in order, a page at a time.
select * from kernel.audit_log where seq > %(seq)s order by seq limit %(limit)s;

-- name: newest
-- The newest acts below a number, of one subject where one is named.
select * from kernel.audit_log
where seq < %(below)s and (%(subject)s::text is null or subject = %(subject)s)
order by seq desc limit %(limit)s;
