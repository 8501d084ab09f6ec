-- name: request_session
-- A session that its owner's text asks for. One that nobody has brought onto the cluster makes room; no row where the
-- key is in use, or was.
insert into netting.session_keys (key, id, owner, allowed_actions, max_volume_lamports, expires_at, text, signature,
                                  requested_at, moved_at)
values (%(key)s, %(id)s, %(owner)s, %(allowed_actions)s, %(max_volume_lamports)s, %(expires_at)s, %(text)s,
        %(signature)s, %(now)s, %(now)s)
on conflict (key) do update
set id = excluded.id, owner = excluded.owner, allowed_actions = excluded.allowed_actions,
    max_volume_lamports = excluded.max_volume_lamports, expires_at = excluded.expires_at, text = excluded.text,
    signature = excluded.signature, state = 'requested', requested_at = excluded.requested_at,
    moved_at = excluded.moved_at
where session_keys.state in ('requested', 'failed')
returning *;

-- name: open_sessions
-- How many keys may trade for an owner, or are about to.
select count(*) as open from netting.session_keys
where owner = %(owner)s and state in ('registering', 'active') and expires_at > %(now)s;

-- name: session
-- One by its id.
select * from netting.session_keys where id = %(id)s;

-- name: lock_session
-- One by its id, held until the commit.
select * from netting.session_keys where id = %(id)s for update;

-- name: move_session
-- Its next state, if it is in one of these.
update netting.session_keys set state = %(state)s, moved_at = %(now)s
where key = %(key)s and owner = %(owner)s and state = any(%(before)s);

-- name: sessions_page
-- An owner's, newest first.
select * from netting.session_keys
where owner = %(owner)s
    and (%(below_at)s::timestamptz is null or (requested_at, id) < (%(below_at)s, %(below_id)s::uuid))
order by requested_at desc, id desc
limit %(limit)s;
