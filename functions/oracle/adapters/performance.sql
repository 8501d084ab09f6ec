-- name: newest_observed
-- The newest observed round; none before the first.
select max(voting_round) as voting_round from oracle.observed_rounds;

-- name: told_alarms
-- What needs a person, the longest first.
select alarm, began_at as since from oracle.alarms where ended_at is null order by began_at, alarm;

-- name: observed_round
-- A round as it was observed, with the symbols of its feeds where somebody remembered them.
select reward_epoch, finalised_at, read_at_block, our_hits, our_possible, our_deviations_ppm, array(
    select symbol from oracle.feeds where feeds.reward_epoch = observed_rounds.reward_epoch order by position
) as symbols
from oracle.observed_rounds
where voting_round = %(voting_round)s;

-- name: faults_of_round
-- Who did what wrong in a round.
select submit_address, fault, is_ours from oracle.faults where voting_round = %(voting_round)s order by 3 desc, 1, 2;

-- name: epochs_below
-- Reward epochs, newest first.
select reward_epoch, first_round, ourselves, rounds, finalised, newest_round
from oracle.observed_epochs
where %(below)s::bigint is null or reward_epoch < %(below)s
order by reward_epoch desc
limit %(limit)s;

-- name: voters_of
-- A voter in these reward epochs, with what all voters have together; of each by its submit address.
select voter.reward_epoch, voter.submit_address, voter.identity, voter.fee_bips, voter.signing_weight,
    voter.delegated_wei, voter.capped_wei, voter.rounds, voter.faulty_rounds, voter.hits, voter.possible, voter.votes,
    voter.deviation_ppm, total.voters, total.signing_weight as all_signing_weight,
    total.delegated_wei as all_delegated_wei
from oracle.voters voter
join (
    select reward_epoch, count(*) as voters, sum(signing_weight) as signing_weight, sum(delegated_wei) as delegated_wei
    from oracle.voters
    where reward_epoch = any(%(reward_epochs)s)
    group by reward_epoch
) total using (reward_epoch)
join unnest(%(reward_epochs)s::bigint[], %(addresses)s::text[]) as wanted (reward_epoch, submit_address)
    using (reward_epoch, submit_address);

-- name: fault_counts_of
-- What was done wrong in these reward epochs, by everybody together and by the wanted address of each.
select counted.reward_epoch, counted.fault, sum(counted.rounds) as of_all,
    coalesce(sum(counted.rounds) filter (where counted.submit_address = wanted.submit_address), 0) as of_one
from oracle.fault_counts counted
join unnest(%(reward_epochs)s::bigint[], %(addresses)s::text[]) as wanted (reward_epoch, submit_address)
    using (reward_epoch)
group by counted.reward_epoch, counted.fault
order by counted.reward_epoch, counted.fault;

-- name: rewards_of
-- What an identity earned in these reward epochs, and everybody together; whether its conditions were met.
select share.reward_epoch, epoch.state, epoch.claimed_at, share.hits, share.possible, share.updates, share.all_updates,
    share.passes, share.is_rewarded, share.is_ours, epoch.ours_wei, -share.penalty_wei as penalty_wei,
    share.accuracy_wei + share.signing_wei + share.finalising_wei + share.updating_wei as earned_wei,
    (
        select sum(accuracy_wei + signing_wei + finalising_wei + updating_wei)
        from oracle.reward_shares
        where reward_epoch = share.reward_epoch
    ) as all_earned_wei
from oracle.reward_shares share
join oracle.reward_epochs epoch using (reward_epoch)
join unnest(%(reward_epochs)s::bigint[], %(identities)s::text[]) as wanted (reward_epoch, voter)
    using (reward_epoch, voter);
