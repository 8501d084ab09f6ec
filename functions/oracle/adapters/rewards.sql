-- name: registration
-- Our registration for a reward epoch.
select reward_epoch, voter, state, attempts, reason
from oracle.registrations
where reward_epoch = %(reward_epoch)s;

-- name: record_registration
-- A transaction that registers us is recorded in this same transaction.
insert into oracle.registrations (reward_epoch, voter, state, attempts)
values (%(reward_epoch)s, %(voter)s, 'recorded', %(attempt)s)
on conflict (reward_epoch) do update
set attempts = excluded.attempts, voter = excluded.voter;

-- name: settle_registration
-- How the registration ended, whoever made it.
insert into oracle.registrations (reward_epoch, voter, state, attempts, reason, settled_at)
values (%(reward_epoch)s, %(voter)s, %(state)s, 0, %(reason)s, %(now)s)
on conflict (reward_epoch) do update
set state = excluded.state, reason = excluded.reason, settled_at = excluded.settled_at;

-- name: insert_reward_round
-- What a round's rewards follow from. The first record stands.
insert into oracle.reward_rounds (voting_round, reward_epoch, random, is_secure_random, votes, offenders, deposits,
    finalisations, finalised_hash, updates, update_feeds, read_at_block)
values (%(voting_round)s, %(reward_epoch)s, %(random)s, %(is_secure_random)s, %(votes)s, %(offenders)s, %(deposits)s,
    %(finalisations)s, %(finalised_hash)s, %(updates)s, %(update_feeds)s, %(read_at_block)s)
on conflict do nothing;

-- name: recorded_randoms
-- The rounds of a range that were recorded, with their random numbers.
select voting_round, random, is_secure_random
from oracle.reward_rounds
where voting_round between %(first)s and %(last)s;

-- name: reward_rounds
-- The records of a range of rounds, both ends included.
select voting_round, random, is_secure_random, votes, offenders, deposits, finalisations, finalised_hash, updates,
    update_feeds
from oracle.reward_rounds
where voting_round between %(first)s and %(last)s
order by voting_round;

-- name: remove_reward_rounds
-- Records of reward epochs whose successor's rewards are agreed on.
delete from oracle.reward_rounds where reward_epoch < %(reward_epoch)s;

-- name: reward_epoch
-- The rewards of a reward epoch as we computed them.
select reward_epoch, first_round, last_round, state, offered_wei, burnt_wei, ours_wei, rewards_root,
    weight_based_claims, attempts, chain_root
from oracle.reward_epochs
where reward_epoch = %(reward_epoch)s;

-- name: insert_reward_epoch
-- The rewards of a reward epoch, computed. The first computation stands.
insert into oracle.reward_epochs (reward_epoch, first_round, last_round, state, offered_wei, burnt_wei, ours_wei,
    rewards_root, weight_based_claims)
values (%(reward_epoch)s, %(first_round)s, %(last_round)s, 'computed', %(offered_wei)s, %(burnt_wei)s, %(ours_wei)s,
    %(rewards_root)s, %(weight_based_claims)s);

-- name: insert_reward_share
-- What one voter earned.
insert into oracle.reward_shares (reward_epoch, position, voter, is_ours, weight, median_weight, accuracy_wei,
    signing_wei, finalising_wei, updating_wei, penalty_wei, hits, possible, updates, all_updates, passes, is_rewarded)
values (%(reward_epoch)s, %(position)s, %(voter)s, %(is_ours)s, %(weight)s, %(median_weight)s, %(accuracy_wei)s,
    %(signing_wei)s, %(finalising_wei)s, %(updating_wei)s, %(penalty_wei)s, %(hits)s, %(possible)s, %(updates)s,
    %(all_updates)s, %(passes)s, %(is_rewarded)s);

-- name: insert_reward_claim
-- One leaf under the root.
insert into oracle.reward_claims (reward_epoch, beneficiary, claim_type, amount_wei, is_ours)
values (%(reward_epoch)s, %(beneficiary)s, %(claim_type)s, %(amount_wei)s, %(is_ours)s);

-- name: passes
-- What the minimal conditions of a reward epoch left to each voter.
select voter, passes
from oracle.reward_shares
where reward_epoch = %(reward_epoch)s;

-- name: sign_reward_epoch
-- A transaction that signs the root is recorded in this same transaction.
update oracle.reward_epochs
set state = 'signed', attempts = %(attempt)s, signed_at = coalesce(signed_at, %(now)s)
where reward_epoch = %(reward_epoch)s and state in ('computed', 'signed');

-- name: accept_reward_epoch
-- The voters agreed on our root.
update oracle.reward_epochs
set state = 'accepted', chain_root = %(chain_root)s, accepted_at = %(now)s
where reward_epoch = %(reward_epoch)s and state in ('computed', 'signed');

-- name: contradict_reward_epoch
-- The voters agreed on another root than ours.
update oracle.reward_epochs
set state = 'contradicted', chain_root = %(chain_root)s, accepted_at = %(now)s
where reward_epoch = %(reward_epoch)s and state in ('computed', 'signed');

-- name: finish_reward_epoch
-- Nothing of ours is unclaimed.
update oracle.reward_epochs
set state = 'claimed', claimed_at = %(now)s
where reward_epoch = %(reward_epoch)s and state = 'accepted'
    and not exists (
        select from oracle.reward_claims
        where reward_epoch = %(reward_epoch)s and is_ours and claimed_at is null
    );

-- name: reward_claims
-- The leaves under a reward epoch's root.
select beneficiary, claim_type, amount_wei, is_ours, attempts, claimed_at
from oracle.reward_claims
where reward_epoch = %(reward_epoch)s
order by beneficiary, claim_type;

-- name: record_claim
-- A transaction that claims them is recorded in this same transaction.
update oracle.reward_claims
set attempts = %(attempt)s
where reward_epoch = %(reward_epoch)s and beneficiary = %(beneficiary)s and is_ours and claimed_at is null;

-- name: settle_claim
-- What was due to one of our addresses was paid in this transaction.
update oracle.reward_claims
set claimed_at = %(now)s, transaction_hash = %(transaction_hash)s, block_number = %(block_number)s
where reward_epoch = %(reward_epoch)s and beneficiary = %(beneficiary)s and claim_type = %(claim_type)s
    and claimed_at is null;
