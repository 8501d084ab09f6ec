-- name: add_template
-- What opens contests by itself.
insert into contests.templates (id, name, days, hours, duration_s, announced_s, fee_lamports, entrants_min, entrants_max,
                                shares_bps, rake_bps, stake_micros, created_at, moved_at)
values (%(id)s, %(name)s, %(days)s, %(hours)s, %(duration_s)s, %(announced_s)s, %(fee_lamports)s, %(entrants_min)s,
        %(entrants_max)s, %(shares_bps)s, %(rake_bps)s, %(stake_micros)s, %(now)s, %(now)s)
returning *;

-- name: templates
-- All of them, the newest first.
select * from contests.templates order by created_at desc, id desc;

-- name: templates_active
-- Those that open contests now.
select * from contests.templates where is_active order by id;

-- name: switch_template
-- Let it open contests, or no more.
update contests.templates set is_active = %(is_active)s, moved_at = %(now)s where id = %(id)s returning *;
