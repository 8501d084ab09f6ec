-- name: code_of
-- The code of a wallet.
select code from contests.referral_codes where wallet = %(wallet)s;

-- name: owner_of
-- Whose code this is.
select wallet from contests.referral_codes where code = %(code)s;

-- name: add_code
-- A code for a wallet; no row where the wallet has one, or somebody else has this.
insert into contests.referral_codes (code, wallet, created_at) values (%(code)s, %(wallet)s, %(now)s)
on conflict do nothing
returning code;

-- name: add_click
-- A visitor; the same click again is none.
insert into contests.referral_clicks (id, code, source, week, clicked_at)
select %(id)s, code, %(source)s, %(week)s, %(now)s from contests.referral_codes where code = %(code)s
on conflict (id) do nothing;

-- name: click
-- A click, and who it came from.
select click.id, click.code, click.source, click.clicked_at, code.wallet as referrer
from contests.referral_clicks click join contests.referral_codes code using (code)
where click.id = %(id)s;

-- name: attribute
-- Whose click a wallet came by; no row where it had one, or the click has another.
insert into contests.referral_attributions (wallet, click, code, source, attributed_at)
values (%(wallet)s, %(click)s, %(code)s, %(source)s, %(now)s)
on conflict do nothing
returning wallet;

-- name: attribution
-- Whose click a wallet came by.
select click, code, attributed_at from contests.referral_attributions where wallet = %(wallet)s;

-- name: convert
-- The first entry of a wallet that was referred.
insert into contests.referral_conversions (wallet, code, source, week, contest_id, converted_at)
select wallet, code, source, %(week)s, %(contest)s, %(now)s
from contests.referral_attributions
where wallet = %(wallet)s
on conflict (wallet) do nothing;

-- name: take_conversions
-- Conversions that went into no week yet, the oldest first; whoever else counts takes others.
update contests.referral_conversions conversion
set counted_at = %(now)s
from (
    select wallet from contests.referral_conversions
    where counted_at is null
    order by converted_at
    limit %(limit)s
    for update skip locked
) fresh
where conversion.wallet = fresh.wallet
returning conversion.code, conversion.week;

-- name: lock_codes
-- Held until the commit: a code's weeks are counted by one worker at a time.
select code from contests.referral_codes where code = any(%(codes)s::text[]) order by code for update;

-- name: counted
-- How many conversions some weeks of some codes have.
select code.wallet, conversion.code, conversion.week, count(*)::integer as conversions
from unnest(%(codes)s::text[], %(weeks)s::date[]) as asked (code, week)
join contests.referral_conversions conversion
    on conversion.code = asked.code and conversion.week = asked.week and conversion.counted_at is not null
join contests.referral_codes code on code.code = conversion.code
group by code.wallet, conversion.code, conversion.week;

-- name: referred_by
-- How many conversions each of some referrers has, of all weeks.
select code.wallet, count(*)::integer as referrals
from contests.referral_codes code join contests.referral_conversions conversion using (code)
where code.wallet = any(%(wallets)s::text[]) and conversion.counted_at is not null
group by code.wallet;

-- name: add_rewards
-- Rewards that were not given yet.
insert into contests.referral_rewards (business_key, wallet, code, week, conversions, points, rewarded_at)
select reward.business_key, reward.wallet, reward.code, reward.week, reward.conversions, reward.points, %(now)s
from unnest(%(keys)s::text[], %(wallets)s::text[], %(codes)s::text[], %(weeks)s::date[], %(conversions)s::integer[],
            %(points)s::integer[]) as reward (business_key, wallet, code, week, conversions, points)
on conflict do nothing;

-- name: weeks
-- The weeks in which somebody came by a code or entered by it, the newest first, before one of them: each found by
-- its index, however many clicks there are.
with recursive stepped (week) as (
    select greatest(
        (select max(click.week) from contests.referral_clicks click
         where click.code = %(code)s and click.week < %(before)s),
        (select max(conversion.week) from contests.referral_conversions conversion
         where conversion.code = %(code)s and conversion.week < %(before)s))
    union all
    select greatest(
        (select max(click.week) from contests.referral_clicks click
         where click.code = %(code)s and click.week < stepped.week),
        (select max(conversion.week) from contests.referral_conversions conversion
         where conversion.code = %(code)s and conversion.week < stepped.week))
    from stepped where stepped.week is not null
)
select week from stepped where week is not null limit %(limit)s;

-- name: sources
-- What some weeks of a code brought by source. A conversion may come in a later week than its click.
select week, source, sum(clicks)::integer as clicks, sum(conversions)::integer as conversions
from (
    select week, source, count(*) as clicks, 0 as conversions
    from contests.referral_clicks where code = %(code)s and week = any(%(weeks)s::date[])
    group by week, source
    union all
    select week, source, 0, count(*)
    from contests.referral_conversions where code = %(code)s and week = any(%(weeks)s::date[])
    group by week, source
) brought
group by week, source
order by week desc, source;

-- name: rewards
-- What some weeks of a code earned.
select week, conversions, points, rewarded_at from contests.referral_rewards
where code = %(code)s and week = any(%(weeks)s::date[])
order by week desc, conversions;
