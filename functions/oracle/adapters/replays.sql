-- name: decisions_between
-- What stored rounds were decided from, oldest first, a page after one round.
select voting_round, reward_epoch, decided_at, snapshot, points, points_digest, model_version
from oracle.decisions
where voting_round > %(after)s and voting_round between %(first)s and %(last)s
order by voting_round
limit %(limit)s;

-- name: decided_feeds
-- What was decided for the feeds of some rounds.
select voting_round, symbol, vwap, twap, weighted_median, consensus, confidence, sources, left_out, flagged
from oracle.aggregates
where voting_round = any(%(rounds)s);

-- name: rounds_without_inputs
-- Rounds that were decided before it was noted what from.
select count(distinct voting_round) as rounds
from oracle.aggregates aggregate
where voting_round between %(first)s and %(last)s
    and not exists (select from oracle.decisions decision where decision.voting_round = aggregate.voting_round);

-- name: rounds_of_times
-- The rounds that were decided in [start, stop).
select min(voting_round) as first, max(voting_round) as last
from oracle.decisions
where decided_at >= %(start)s and decided_at < %(stop)s;

-- name: medians_between
-- The results of rounds as the chain has them.
select voting_round, medians
from oracle.rounds
where voting_round between %(first)s and %(last)s;

-- name: days_in_postgres
-- The days whose points are still in partitions of their own.
select to_date(right(child.relname, 8), 'YYYYMMDD') as day
from pg_inherits inherits join pg_class child on child.oid = inherits.inhrelid
where inherits.inhparent = 'oracle.prices'::regclass and child.relname ~ '_\d{8}$';
