-- name: lock_paying_sessions
-- The session keys that paid for intents: a TRADE's buyer counter-signed it, any other payer signed first.
-- Locked in one order by everybody who changes their volume.
select key
from netting.session_keys
where key in (select case when kind = 'TRADE' then counter_session else session end
              from netting.intents where id = any (%(ids)s))
order by key
for no key update;

-- name: release_volume
-- What dropped intents had reserved of their payers' sessions.
update netting.session_keys as keys
set used_volume_lamports = keys.used_volume_lamports - dropped.amount_lamports
from (select case when kind = 'TRADE' then counter_session else session end as key,
             sum(amount_lamports)::bigint as amount_lamports
      from netting.intents
      where id = any (%(ids)s)
      group by 1) as dropped
where keys.key = dropped.key;
