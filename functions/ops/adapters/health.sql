-- name: service_alarms
-- What needs a person, as services say it, each once.
select distinct alarm from kernel.service_alarms order by alarm;
