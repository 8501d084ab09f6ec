-- name: steps
-- Steps of orders after a row of their history.
select history.id, origin, order_id, generation, history.event, history.state_left, history.state,
    history.happened_at, orders.amount_wei, history.details ->> 'reason' as told
from bridge.order_history history join bridge.orders orders using (origin, order_id, generation)
where history.id > %(after)s
order by history.id;

-- name: errors
-- Failures of their steps after a row.
select errors.id, origin, order_id, generation, null as event, null as state_left, errors.state, errors.happened_at,
    orders.amount_wei, errors.code || ', ' || errors.message as told
from bridge.order_errors errors join bridge.orders orders using (origin, order_id, generation)
where errors.id > %(after)s
order by errors.id;
