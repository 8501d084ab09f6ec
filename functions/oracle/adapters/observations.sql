-- name: asked
-- Up to which round observations were asked for; none before the first.
select voting_round from oracle.observation_asked;

-- name: move_asked
-- Asked for up to a round; never back.
insert into oracle.observation_asked as asked (voting_round) values (%(voting_round)s)
on conflict (is_only) do update set voting_round = greatest(asked.voting_round, excluded.voting_round);

-- name: add_round
-- What a finished round showed; the first observation stands.
insert into oracle.observed_rounds (voting_round, reward_epoch, message, finalised_at, faulty_weight_bips, our_hits,
    our_possible, our_deviations_ppm, read_at_block, observed_at)
values (%(voting_round)s, %(reward_epoch)s, %(message)s, %(finalised_at)s, %(faulty_weight_bips)s, %(our_hits)s,
    %(our_possible)s, %(our_deviations_ppm)s::bigint[], %(read_at_block)s, %(observed_at)s)
on conflict do nothing;

-- name: add_to_epoch
-- One more round of its reward epoch. Locks the row, so that whoever adds to the voters waits for its turn.
insert into oracle.observed_epochs as epoch (reward_epoch, first_round, ourselves, rounds, finalised, newest_round)
values (%(reward_epoch)s, %(first_round)s, %(ourselves)s, 1, %(finalised)s, %(voting_round)s)
on conflict (reward_epoch) do update
set rounds = epoch.rounds + 1, finalised = epoch.finalised + excluded.finalised, ourselves = excluded.ourselves,
    newest_round = greatest(epoch.newest_round, excluded.newest_round);

-- name: remember_voter
-- A voter of a reward epoch; the first answer of the chain stands.
insert into oracle.voters (reward_epoch, submit_address, position, identity, delegation, fee_bips, signing_weight,
    delegated_wei, capped_wei)
values (%(reward_epoch)s, %(submit_address)s, %(position)s, %(identity)s, %(delegation)s, %(fee_bips)s,
    %(signing_weight)s, %(delegated_wei)s, %(capped_wei)s)
on conflict do nothing;

-- name: add_to_voter
-- One more round of a voter.
update oracle.voters
set rounds = rounds + 1, faulty_rounds = faulty_rounds + %(faulty)s, hits = hits + %(hits)s,
    possible = possible + %(possible)s, votes = votes + %(votes)s, deviation_ppm = deviation_ppm + %(deviation_ppm)s
where reward_epoch = %(reward_epoch)s and submit_address = %(submit_address)s;

-- name: add_fault
-- Somebody did something wrong in a round.
insert into oracle.faults (voting_round, submit_address, fault, is_ours, reward_epoch)
values (%(voting_round)s, %(submit_address)s, %(fault)s, %(is_ours)s, %(reward_epoch)s);

-- name: count_fault
-- One round more in which somebody did this wrong.
insert into oracle.fault_counts as counted (reward_epoch, submit_address, fault, rounds)
values (%(reward_epoch)s, %(submit_address)s, %(fault)s, 1)
on conflict (reward_epoch, submit_address, fault) do update set rounds = counted.rounds + 1;

-- name: low_payers
-- Of these addresses those that were below the floor at the newest look.
select address from oracle.payers where is_low and address = any(%(addresses)s);

-- name: set_payer
-- What an address holds; an older look never overwrites a newer one.
insert into oracle.payers as payer (address, submit_address, is_ours, balance_wei, is_low, read_at_block)
values (%(address)s, %(submit_address)s, %(is_ours)s, %(balance_wei)s, %(is_low)s, %(read_at_block)s)
on conflict (address) do update
set submit_address = excluded.submit_address, is_ours = excluded.is_ours, balance_wei = excluded.balance_wei,
    is_low = excluded.is_low, read_at_block = excluded.read_at_block
where payer.read_at_block <= excluded.read_at_block;

-- name: newest_rounds
-- The newest observed rounds.
select voting_round, reward_epoch, faulty_weight_bips, observed_at
from oracle.observed_rounds
order by voting_round desc
limit %(rounds)s;

-- name: our_faults_since
-- What we did wrong from a round on.
select distinct fault from oracle.faults where is_ours and voting_round >= %(voting_round)s order by fault;

-- name: our_low_payers
-- Addresses of ours below the floor.
select address from oracle.payers where is_ours and is_low order by address;

-- name: our_conduct
-- Our hits of a reward epoch, of those that were possible, in how many rounds.
select voter.hits, voter.possible, voter.rounds
from oracle.voters voter
join oracle.observed_epochs epoch on epoch.reward_epoch = voter.reward_epoch and epoch.ourselves = voter.submit_address
where voter.reward_epoch = %(reward_epoch)s;

-- name: standing_alarms
-- What needs a person, the longest first; locked against another teller.
select alarm, began_at from oracle.alarms where ended_at is null order by began_at, alarm for update;

-- name: begin_alarm
-- An alarm that did not stand before.
insert into oracle.alarms (alarm, began_at) values (%(alarm)s, %(now)s) on conflict do nothing;

-- name: end_alarm
-- An alarm that has passed.
update oracle.alarms set ended_at = greatest(%(now)s, began_at) where alarm = %(alarm)s and ended_at is null;
