-- migrate:up

set local role counterpart_contests;

-- What experience was given for: each reason once. Rows are only ever added.
create table contests.experience_gifts (
    business_key text        primary key check (length(business_key) between 1 and 200),
    wallet       text        not null,
    points       integer     not null check (points > 0),
    given_at     timestamptz not null
);
create index experience_gifts_wallet on contests.experience_gifts (wallet, given_at desc);
revoke update, delete, truncate on contests.experience_gifts from counterpart_contests;

-- What a player has: the sum of its gifts, kept by the commits that add them.
create table contests.players (
    wallet     text        primary key,
    experience bigint      not null check (experience > 0),
    moved_at   timestamptz not null
);

-- What a player has reached (functions/contests/core/achievements.py). Rows are only ever added.
create table contests.achievements (
    wallet     text        not null,
    field      text        not null check (field in ('contests_entered', 'contests_won', 'consecutive_wins',
                                                     'total_profit', 'volume', 'tokens_traded', 'referrals')),
    tier       text        not null check (tier in ('bronze', 'silver', 'gold', 'platinum', 'diamond')),
    reached_at timestamptz not null,
    primary key (wallet, field, tier)
);
revoke update, delete, truncate on contests.achievements from counterpart_contests;

-- How far the awards of an evaluated contest have come: they are given some places at a time.
create table contests.awards (
    contest_id uuid        primary key references contests.evaluations,
    next_place integer     not null check (next_place > 0),
    moved_at   timestamptz not null
);

-- Who refers others, and by which word.
create table contests.referral_codes (
    code       text        primary key check (code ~ '^[a-z2-9]{8}$'),
    wallet     text        not null unique,
    created_at timestamptz not null
);

-- A visitor came by a code; the id is the visitor's, so that a click that is told twice is one. No address is kept.
create table contests.referral_clicks (
    id         uuid        primary key,
    code       text        not null references contests.referral_codes,
    source     text        not null check (length(source) between 1 and 50),
    week       date        not null check (extract(isodow from week) = 7),
    clicked_at timestamptz not null
);
create index referral_clicks_week on contests.referral_clicks (code, week, source);

-- Whose click a wallet came by: the first one it names, for good.
create table contests.referral_attributions (
    wallet        text        primary key,
    click         uuid        not null unique references contests.referral_clicks,
    code          text        not null references contests.referral_codes,
    source        text        not null,
    attributed_at timestamptz not null
);

-- A wallet that was referred has entered a contest for the first time, in the commit of that entry. `counted_at`: when
-- it went into its referrer's week.
create table contests.referral_conversions (
    wallet       text        primary key references contests.referral_attributions,
    code         text        not null references contests.referral_codes,
    source       text        not null,
    week         date        not null check (extract(isodow from week) = 7),
    contest_id   uuid        not null,
    converted_at timestamptz not null,
    counted_at   timestamptz,
    foreign key (contest_id, wallet) references contests.entries (contest_id, wallet)
);
create index referral_conversions_week on contests.referral_conversions (code, week, source);
create index referral_conversions_new on contests.referral_conversions (converted_at) where counted_at is null;

-- What a week of referrals earned (functions/contests/core/referral.py): each tier once, as experience.
create table contests.referral_rewards (
    business_key text        primary key,                           -- the gift's
    wallet       text        not null,                              -- the referrer
    code         text        not null references contests.referral_codes,
    week         date        not null,
    conversions  integer     not null check (conversions > 0),      -- the tier's
    points       integer     not null check (points > 0),
    rewarded_at  timestamptz not null,
    unique (code, week, conversions)
);
revoke update, delete, truncate on contests.referral_rewards from counterpart_contests;
reset role;

-- migrate:down

drop table contests.referral_rewards;
drop table contests.referral_conversions;
drop table contests.referral_attributions;
drop table contests.referral_clicks;
drop table contests.referral_codes;
drop table contests.awards;
drop table contests.achievements;
drop table contests.players;
drop table contests.experience_gifts;
