-- name: ask
-- Somebody wants a wallet's key.
insert into contests.key_exports (id, address, sealed_to, actor, reason, asked_at, expires_at)
values (%(id)s, %(address)s, %(sealed_to)s, %(actor)s, %(reason)s, %(now)s, %(expires_at)s);

-- name: export
-- What somebody wants, and who has agreed.
select e.*, array(select a.actor from contests.export_approvals a where a.export_id = e.id
                  order by a.approved_at, a.actor) as approvals
from contests.key_exports e where e.id = %(id)s;

-- name: approve
-- Somebody agrees.
insert into contests.export_approvals (export_id, actor, approved_at) values (%(id)s, %(actor)s, %(now)s)
on conflict do nothing;

-- name: seal
-- The box in which it will be given.
update contests.key_exports set box = %(box)s where id = %(id)s and box is null and given_at is null;

-- name: give
-- It is given, once, and kept no longer.
update contests.key_exports set given_at = %(now)s, box = null where id = %(id)s and box is not null;
