-- name: give
-- Gifts that were not given yet, and what their receivers have by them. One row a receiver that got something.
with given as (
    insert into contests.experience_gifts (business_key, wallet, points, given_at)
    select gift.business_key, gift.wallet, gift.points, %(now)s
    from unnest(%(keys)s::text[], %(wallets)s::text[], %(points)s::integer[]) as gift (business_key, wallet, points)
    order by gift.business_key
    on conflict (business_key) do nothing
    returning wallet, points
)
insert into contests.players as player (wallet, experience, moved_at)
select wallet, sum(points), %(now)s from given group by wallet order by wallet
on conflict (wallet) do update
set experience = player.experience + excluded.experience, moved_at = excluded.moved_at
returning wallet, experience;

-- name: experience
-- What a player has.
select experience from contests.players where wallet = %(wallet)s;

-- name: achieve
-- Achievements that are new.
insert into contests.achievements (wallet, field, tier, reached_at)
select reached.wallet, reached.field, reached.tier, %(now)s
from unnest(%(wallets)s::text[], %(fields)s::text[], %(tiers)s::text[]) as reached (wallet, field, tier)
order by reached.wallet, reached.field, reached.tier
on conflict do nothing
returning wallet, field, tier;

-- name: achievements
-- What a player has reached.
select field, tier, reached_at from contests.achievements where wallet = %(wallet)s order by reached_at, field, tier;
