-- name: publish
-- One message and a delivery to each enabled endpoint that listens; none when nobody does, or when it was told. One row
-- is of no delivery: what was told before under this key, and whether anybody listens.
with listening as (
    select id
    from kernel.webhook_endpoints
    where state = 'enabled' and topics && %(any_of)s
        and (owner like 'service:%%' or owner = %(about)s)
), message as (
    insert into kernel.webhook_messages (id, topic, business_key, about, contents, published_at)
    select %(id)s, %(topic)s, %(business_key)s, %(about)s, %(contents)s, %(now)s
    where exists (select from listening)
    on conflict (topic, business_key) do nothing
    returning id
), delivery as (
    insert into kernel.webhook_deliveries (message_id, endpoint_id, began_at)
    select message.id, listening.id, %(now)s
    from message cross join listening
    returning message_id, endpoint_id
)
select message_id, endpoint_id, null as contents, true as is_heard from delivery
union all
select null, null,
    (select contents from kernel.webhook_messages where topic = %(topic)s and business_key = %(business_key)s),
    exists (select from listening);

-- name: contents
-- What was told before under this key.
select contents
from kernel.webhook_messages
where topic = %(topic)s and business_key = %(business_key)s;
