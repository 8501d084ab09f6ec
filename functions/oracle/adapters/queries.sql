-- name: remember_feed
-- A feed of a reward epoch; the first answer of the chain stands.
insert into oracle.feeds (reward_epoch, position, feed_id, symbol, decimals)
values (%(reward_epoch)s, %(position)s, %(feed_id)s, %(symbol)s, %(decimals)s)
on conflict do nothing;

-- name: feeds
-- The feeds of a reward epoch in submission order; none before somebody remembered them.
select feed_id, decimals
from oracle.feeds
where reward_epoch = %(reward_epoch)s
order by position;

-- name: known_symbols
-- The symbols of the newest reward epoch, in submission order.
select symbol
from oracle.feeds
where reward_epoch = (select max(reward_epoch) from oracle.feeds)
order by position;

-- name: store_points
-- Raw points, and marks for the minutes whose candles they change. The same source, symbol and time again is the same
-- point, and changes none.
with stored as (
    insert into oracle.prices (symbol, source, time, price, volume, worker_id)
    select symbol, source, time, price, volume, %(worker_id)s
    from unnest(%(symbols)s::text[], %(sources)s::text[], %(times)s::timestamptz[], %(prices)s::numeric[],
                %(volumes)s::numeric[]) as given (symbol, source, time, price, volume)
    on conflict do nothing
    returning symbol, time
)
insert into oracle.candle_marks (symbol, is_consensus, minute)
select distinct symbol, false, date_bin('1 minute', time, 'epoch') from stored;

-- name: store_venue_report
-- What one venue answered in one collection.
insert into oracle.venue_reports (collected_at, venue, outcome, points, latency_ms)
values (%(collected_at)s, %(venue)s, %(outcome)s, %(points)s, %(latency_ms)s)
on conflict do nothing;

-- name: points_between
-- Raw points of a window, each with the snapshot of this statement, which says exactly which points it could see.
select symbol, source, time, price, volume, pg_current_snapshot()::text as snapshot
from oracle.prices
where time >= %(start)s and time <= %(end)s
order by symbol, source, time;

-- name: reputations
-- How far each source is believed for each symbol.
select symbol, source, reputation
from oracle.reputations;

-- name: set_reputation
-- A source's standing after a round; an older round never overwrites a newer one.
insert into oracle.reputations (symbol, source, reputation, voting_round)
values (%(symbol)s, %(source)s, %(reputation)s, %(voting_round)s)
on conflict (symbol, source) do update
set reputation = excluded.reputation, voting_round = excluded.voting_round
where oracle.reputations.voting_round < excluded.voting_round;

-- name: latest_aggregates
-- The newest aggregate of each symbol, not newer than an instant.
select distinct on (symbol) symbol, voting_round, decided_at, window_start, vwap, twap, weighted_median,
    consensus, confidence, sources, flagged
from oracle.aggregates
where symbol = any(%(symbols)s) and decided_at <= %(at)s
order by symbol, decided_at desc;

-- name: aggregates_of_round
-- What was decided for a round.
select symbol, voting_round, decided_at, window_start, vwap, twap, weighted_median, consensus, confidence, sources, flagged
from oracle.aggregates
where voting_round = %(voting_round)s
order by symbol;

-- name: insert_aggregate
-- The aggregate behind one submitted value.
insert into oracle.aggregates (voting_round, symbol, decided_at, window_start, vwap, twap, weighted_median,
    consensus, confidence, sources, left_out, flagged)
values (%(voting_round)s, %(symbol)s, %(decided_at)s, %(window_start)s, %(vwap)s, %(twap)s, %(weighted_median)s,
    %(consensus)s, %(confidence)s, %(sources)s, %(left_out)s, %(flagged)s)
on conflict do nothing;

-- name: insert_decision
-- What the decisions of a round were made from.
insert into oracle.decisions (voting_round, reward_epoch, decided_at, snapshot, points, points_digest, model_version)
values (%(voting_round)s, %(reward_epoch)s, %(decided_at)s, %(snapshot)s, %(points)s, %(points_digest)s,
    %(model_version)s)
on conflict do nothing;

-- name: mark_consensus
-- The minutes whose candles of the consensus a round changes.
insert into oracle.candle_marks (symbol, is_consensus, minute)
select symbol, true, date_bin('1 minute', decided_at, 'epoch')
from oracle.aggregates
where voting_round = %(voting_round)s;

-- name: insert_submission
-- Our commitment of a round with its sealed opening. A second one for the round is an error.
insert into oracle.submissions (voting_round, submitter, commit_hash, sealed)
values (%(voting_round)s, %(submitter)s, %(commit_hash)s, %(sealed)s);

-- name: submission
-- Our part in a round.
select voting_round, submitter, commit_hash, sealed, committed_at, revealed_at, signed_at, finalised_at
from oracle.submissions
where voting_round = %(voting_round)s;

-- name: mark_revealed
-- The reveal is recorded in the outbox in this same transaction.
update oracle.submissions set revealed_at = now() where voting_round = %(voting_round)s and revealed_at is null;

-- name: mark_signed
-- The signature is recorded in the outbox in this same transaction.
update oracle.submissions set signed_at = now() where voting_round = %(voting_round)s and signed_at is null;

-- name: mark_finalised
-- The round's root is on the relay, by our transaction or another's.
update oracle.submissions set finalised_at = now() where voting_round = %(voting_round)s and finalised_at is null;

-- name: insert_round
-- A round's result as computed from chain data. The first computation stands.
insert into oracle.rounds (voting_round, reward_epoch, merkle_root, is_secure_random, random, medians, offenders, read_at_block)
values (%(voting_round)s, %(reward_epoch)s, %(merkle_root)s, %(is_secure_random)s, %(random)s, %(medians)s, %(offenders)s,
    %(read_at_block)s)
on conflict do nothing;

-- name: round
-- A round's result.
select voting_round, reward_epoch, merkle_root, is_secure_random, random, medians, offenders, read_at_block, computed_at
from oracle.rounds
where voting_round = %(voting_round)s;

-- name: offenders_between
-- Offenders of the rounds already computed in a range of rounds, both ends included.
select voting_round, offenders
from oracle.rounds
where voting_round between %(first)s and %(last)s;
