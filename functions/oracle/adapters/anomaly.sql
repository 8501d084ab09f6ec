-- name: insert_judgement
-- How the sources of one feed were judged when it was decided.
insert into oracle.judgements (voting_round, symbol, decided_at, model_version, form, sources, features, suspects, vetoed)
values (%(voting_round)s, %(symbol)s, %(decided_at)s, %(model_version)s, %(form)s, %(sources)s, %(features)s,
    %(suspects)s, %(vetoed)s)
on conflict do nothing;

-- name: judgements
-- The judgements of a round, by symbol.
select voting_round, symbol, decided_at, model_version, form, sources, features, suspects, vetoed
from oracle.judgements
where voting_round = %(voting_round)s
order by symbol;

-- name: rounds_judged
-- The rounds of a span of time, oldest first.
select voting_round, decided_at
from oracle.decisions
where decided_at >= %(start)s and decided_at < %(end)s
order by voting_round;

-- name: usual_features
-- What sources looked like in some rounds, in a fixed order; rows of another form are of no use.
select features
from oracle.judgements
where voting_round = any(%(voting_rounds)s) and decided_at >= %(start)s and decided_at < %(end)s and form = %(form)s
order by voting_round, symbol;

-- name: lock_models
-- Versions are given and chosen one at a time.
select pg_advisory_xact_lock(hashtextextended('oracle.anomaly_models', 0));

-- name: insert_model
-- A model under the next version; a job's model is stored once.
insert into oracle.anomaly_models (version, business_key, form, trained_from, trained_until, arguments, grown, forest,
    forest_sha256, trial, precision_ppm, recall_ppm, is_sound, stored_at)
select coalesce(max(version), 0) + 1, %(business_key)s, %(form)s, %(trained_from)s, %(trained_until)s, %(arguments)s,
    %(grown)s, %(forest)s, %(forest_sha256)s, %(trial)s, %(precision_ppm)s, %(recall_ppm)s, %(is_sound)s, %(now)s
from oracle.anomaly_models
on conflict (business_key) do nothing
returning version;

-- name: models
-- The newest models, without their forests.
select version, business_key, form, trained_from, trained_until, arguments, grown, trial, precision_ppm, recall_ppm,
    is_sound, stored_at
from oracle.anomaly_models
where %(below)s::integer is null or version < %(below)s
order by version desc
limit %(limit)s;

-- name: forest
-- The forest of a version.
select form, forest, forest_sha256, is_sound
from oracle.anomaly_models
where version = %(version)s;

-- name: choice
-- What is in force.
select version, is_pinned, actor, reason, chosen_at
from oracle.anomaly_choices
order by id desc
limit 1;

-- name: choose
-- Put a version in force, or none.
insert into oracle.anomaly_choices (version, is_pinned, actor, reason, chosen_at)
values (%(version)s, %(is_pinned)s, %(actor)s, %(reason)s, %(now)s);
