-- migrate:up

set local role counterpart_oracle;

-- Our registration as a voter of a reward epoch.
create table oracle.registrations (
    reward_epoch bigint      primary key,
    voter        text        not null,  -- the identity that votes, lower-case
    state        text        not null check (state in ('recorded', 'registered', 'missed')),
    attempts     smallint    not null check (attempts >= 0),  -- transactions recorded for it
    reason       text,                  -- why it was missed
    recorded_at  timestamptz not null default now(),
    settled_at   timestamptz
);

-- What the rewards of a voting round follow from, as the chain showed it when the epoch after it had ended.
-- Positions are those of the reward epoch's signing policy; seconds count from the start of the epoch after the round's.
create table oracle.reward_rounds (
    voting_round     bigint      primary key,
    reward_epoch     bigint      not null,
    random           numeric     check (random >= 0),  -- null: nobody revealed validly
    is_secure_random boolean     not null,
    votes            bytea       not null,  -- deflated rows of who revealed validly: position 2 B, then 4 B a feed, 0 missing
    offenders        jsonb       not null,  -- submit addresses
    deposits         jsonb       not null,  -- signatures: [position, message hash, seconds]
    finalisations    jsonb       not null,  -- sound calls of the relay: [sender, seconds, whether it went through]
    finalised_hash   bytea       check (octet_length(finalised_hash) = 32),
    updates          jsonb       not null default '[]',  -- fast updates of the voting epoch: [position], in chain order
    update_feeds     jsonb       not null default '{}',  -- as the voting epoch ended: feed id -> [value, decimals]
    read_at_block    bigint      not null,
    recorded_at      timestamptz not null default now()
);
create index reward_rounds_epoch on oracle.reward_rounds (reward_epoch, voting_round);

-- The rewards of a reward epoch that has ended, as we computed them.
create table oracle.reward_epochs (
    reward_epoch        bigint      primary key,
    first_round         bigint      not null,
    last_round          bigint      not null check (last_round >= first_round),
    state               text        not null check (state in ('computed', 'signed', 'accepted', 'contradicted', 'claimed')),
    offered_wei         numeric     not null check (offered_wei >= 0),
    burnt_wei           numeric     not null check (burnt_wei >= 0),  -- of it, what nobody earned or what penalties took
    ours_wei            numeric     not null check (ours_wei >= 0),   -- what our own addresses may claim
    rewards_root        bytea       check (octet_length(rewards_root) = 32),  -- null: there is nothing to claim
    weight_based_claims integer     not null check (weight_based_claims >= 0),
    attempts            smallint    not null default 0 check (attempts >= 0),  -- transactions recorded to sign it
    chain_root          bytea       check (octet_length(chain_root) = 32),  -- what the voters agreed on
    computed_at         timestamptz not null default now(),
    signed_at           timestamptz,
    accepted_at         timestamptz,  -- when it was seen that the voters agreed, on our root or on another
    claimed_at          timestamptz
);

-- What each voter of a reward epoch earned, before its fee is parted from what its delegators get.
create table oracle.reward_shares (
    reward_epoch  bigint   not null references oracle.reward_epochs,
    position      smallint not null check (position >= 0),
    voter         text     not null,  -- the identity, lower-case
    is_ours       boolean  not null,
    weight        integer  not null check (weight >= 0),         -- of signing
    median_weight numeric  not null check (median_weight >= 0),  -- of its votes
    accuracy_wei  numeric  not null check (accuracy_wei >= 0),
    signing_wei   numeric  not null check (signing_wei >= 0),
    finalising_wei numeric not null check (finalising_wei >= 0),
    updating_wei  numeric  not null check (updating_wei >= 0),
    penalty_wei   numeric  not null check (penalty_wei <= 0),
    hits          bigint   not null check (hits >= 0),      -- votes close to the median
    possible      bigint   not null check (possible >= 0),  -- rounds times feeds
    updates       bigint   not null check (updates >= 0),
    all_updates   bigint   not null check (all_updates >= 0),
    passes        smallint not null check (passes >= 0),    -- left for the next reward epoch
    is_rewarded   boolean  not null,                        -- whether the minimal conditions let it keep its rewards
    primary key (reward_epoch, position)
);

-- The leaves under a reward epoch's root.
create table oracle.reward_claims (
    reward_epoch     bigint      not null references oracle.reward_epochs,
    beneficiary      text        not null,  -- lower-case
    claim_type       smallint    not null check (claim_type between 0 and 3),  -- direct, fee, wnat, mirror
    amount_wei       numeric     not null check (amount_wei > 0),
    is_ours          boolean     not null,
    attempts         smallint    not null default 0 check (attempts >= 0),  -- transactions recorded to claim it
    claimed_at       timestamptz,
    transaction_hash bytea       check (octet_length(transaction_hash) = 32),
    block_number     bigint,
    primary key (reward_epoch, beneficiary, claim_type)
);

reset role;

-- A claim that was paid is a deposit of its owner's wallet, where the treasury keeps that.
grant insert on kernel.treasury_deposits to counterpart_oracle;
grant update (verdict, difference, reason, unsettled_since) on kernel.treasury_wallets to counterpart_oracle;

-- migrate:down

revoke update (verdict, difference, reason, unsettled_since) on kernel.treasury_wallets from counterpart_oracle;
revoke insert on kernel.treasury_deposits from counterpart_oracle;

drop table oracle.reward_claims;
drop table oracle.reward_shares;
drop table oracle.reward_epochs;
drop table oracle.reward_rounds;
drop table oracle.registrations;
