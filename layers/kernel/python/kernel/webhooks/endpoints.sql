-- name: create
-- A receiver, enabled from the next message on.
insert into kernel.webhook_endpoints (id, owner, url, topics, secret, created_at, changed_at)
values (%(id)s, %(owner)s, %(url)s, %(topics)s, %(secret)s, %(now)s, %(now)s);

-- name: rotate
-- The present secret becomes the previous one, in one step: two rotations at once cannot lose it both times.
update kernel.webhook_endpoints
set previous_secret = secret, previous_until = %(until)s, secret = %(secret)s, changed_at = %(now)s
where id = %(id)s;

-- name: enable
-- Well until it fails again; whatever it failed before is forgotten.
update kernel.webhook_endpoints
set state = 'enabled', disabled_by = null, reason = null, failures = 0, failing_since = null, paused_until = null, changed_at = %(now)s
where id = %(id)s
returning id, owner, url, topics, state, disabled_by, reason, failures, failing_since, paused_until, previous_until,
    created_at, changed_at;

-- name: disable
-- For the reason that is given last.
update kernel.webhook_endpoints
set state = 'disabled', disabled_by = %(actor)s, reason = %(reason)s, changed_at = %(now)s
where id = %(id)s
returning id, owner, url, topics, state, disabled_by, reason, failures, failing_since, paused_until, previous_until,
    created_at, changed_at;

-- name: all
-- Every receiver, without its secrets.
select id, owner, url, topics, state, disabled_by, reason, failures, failing_since, paused_until, previous_until,
    created_at, changed_at
from kernel.webhook_endpoints
order by id;

-- name: sealed
-- Every secret as it lies here.
select id, secret, previous_secret
from kernel.webhook_endpoints
order by id;

-- name: reseal
-- The same secrets under another wrapping key, unless they were replaced meanwhile.
update kernel.webhook_endpoints
set secret = %(secret)s, previous_secret = %(previous_secret)s
where id = %(id)s and secret = %(was)s;
