-- name: standing_still
-- Settlements that have not moved since then; one that waits does so only if nobody has been given the lane since.
select s.batch, s.ordinal, s.state, s.reason, s.moved_at from netting.settlements s
where s.state in ('waiting', 'sent', 'landed', 'settled') and s.moved_at < %(since)s
    and (s.state <> 'waiting' or not exists (select from netting.lane where moved_at >= %(since)s))
order by s.moved_at, s.batch, s.ordinal
limit %(most)s;
