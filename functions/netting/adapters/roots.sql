-- name: root_of
-- The root of a batch's state, if it was ever sent.
select * from netting.state_roots where batch = %(batch)s;

-- name: last_root
-- The highest number that was given to a root, and whether one is on its way.
select coalesce(max(number), 0) as number, coalesce(bool_or(state = 'sent'), false) as under_way
from netting.state_roots;

-- name: record_root
-- A batch's root is on its way under a number; one that failed gets another number.
insert into netting.state_roots (number, batch, transfer, moved_at)
values (%(number)s, %(batch)s, %(transfer)s, %(now)s)
on conflict (batch) do update
set number = excluded.number, transfer = excluded.transfer, attempt = state_roots.attempt + 1, state = 'sent',
    moved_at = excluded.moved_at
where state_roots.state = 'failed';

-- name: root_ended
-- A root's transaction is over.
update netting.state_roots set state = %(state)s, signature = %(signature)s, moved_at = %(now)s
where transfer = %(transfer)s and state = 'sent';
