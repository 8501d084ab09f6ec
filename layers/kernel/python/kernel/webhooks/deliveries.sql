-- name: parcel
-- Everything that an attempt needs: the delivery, its message, its endpoint.
select delivery.message_id, delivery.endpoint_id, delivery.state, delivery.attempts,
    message.topic, message.contents, message.published_at,
    endpoint.state as endpoint_state, endpoint.owner, endpoint.url, endpoint.secret, endpoint.previous_secret,
    endpoint.previous_until, endpoint.failures, endpoint.failing_since, endpoint.paused_until
from kernel.webhook_deliveries delivery
join kernel.webhook_messages message on message.id = delivery.message_id
join kernel.webhook_endpoints endpoint on endpoint.id = delivery.endpoint_id
where delivery.message_id = %(message_id)s and delivery.endpoint_id = %(endpoint_id)s;

-- name: record
-- What came of an attempt.
update kernel.webhook_deliveries
set state = %(state)s, attempts = attempts + 1, status = %(status)s, problem = %(problem)s, tried_at = %(now)s,
    ended_at = %(ended_at)s
where message_id = %(message_id)s and endpoint_id = %(endpoint_id)s;

-- name: give_up
-- Its endpoint was disabled meanwhile.
update kernel.webhook_deliveries
set state = 'failed', status = null, problem = 'endpoint_disabled', ended_at = %(now)s
where message_id = %(message_id)s and endpoint_id = %(endpoint_id)s;

-- name: endpoint_well
-- One success ends a row of failures; an endpoint that is well is not written at every message.
update kernel.webhook_endpoints
set failures = 0, failing_since = null, paused_until = null
where id = %(id)s and failures > 0;

-- name: endpoint_failed
-- One more failure in a row, and until when the endpoint is left alone.
update kernel.webhook_endpoints
set failures = failures + 1, failing_since = coalesce(failing_since, %(now)s),
    paused_until = greatest(paused_until, %(until)s)
where id = %(id)s;

-- name: disable
-- By ourselves, once.
update kernel.webhook_endpoints
set state = 'disabled', disabled_by = %(actor)s, reason = %(reason)s, changed_at = %(now)s
where id = %(id)s and state = 'enabled';

-- name: locked
-- A delivery that is about to begin another round.
select delivery.state, endpoint.state as endpoint_state
from kernel.webhook_deliveries delivery
join kernel.webhook_endpoints endpoint on endpoint.id = delivery.endpoint_id
where delivery.message_id = %(message_id)s and delivery.endpoint_id = %(endpoint_id)s
for update of delivery;

-- name: begin_round
-- Pending again, with all attempts.
update kernel.webhook_deliveries
set state = 'pending', round = round + 1, attempts = 0, began_at = %(now)s, ended_at = null
where message_id = %(message_id)s and endpoint_id = %(endpoint_id)s
returning round;

-- name: delivery
-- One delivery as administrators see it.
select delivery.message_id, message.topic, message.business_key, delivery.state, delivery.attempts, delivery.status,
    delivery.problem, message.published_at, delivery.tried_at, delivery.ended_at
from kernel.webhook_deliveries delivery
join kernel.webhook_messages message on message.id = delivery.message_id
where delivery.message_id = %(message_id)s and delivery.endpoint_id = %(endpoint_id)s;

-- name: endpoint
-- Whether there is such an endpoint.
select id from kernel.webhook_endpoints where id = %(id)s;

-- name: recent
-- An endpoint's deliveries, newest message first, from below an id on.
select delivery.message_id, message.topic, message.business_key, delivery.state, delivery.attempts, delivery.status,
    delivery.problem, message.published_at, delivery.tried_at, delivery.ended_at
from kernel.webhook_deliveries delivery
join kernel.webhook_messages message on message.id = delivery.message_id
where delivery.endpoint_id = %(id)s and delivery.message_id < %(below)s
order by delivery.message_id desc
limit %(limit)s;

-- name: remove_ended
-- Retention: messages that are old and on their way to nobody, with their deliveries.
delete from kernel.webhook_messages
where id in (
    select message.id
    from kernel.webhook_messages message
    where message.published_at < %(before)s
        and not exists (
            select from kernel.webhook_deliveries delivery
            where delivery.message_id = message.id and delivery.state = 'pending')
    order by message.published_at
    limit %(limit)s
);
