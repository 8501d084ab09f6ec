-- name: declare_watch
-- What a slice watches, anew or changed; a name keeps its chain and its kind.
insert into kernel.watched_contracts as known (watch, chain, addresses, kind, terms, since)
values (%(watch)s, %(chain)s, %(addresses)s, %(kind)s, %(terms)s, %(now)s)
on conflict (watch) do update set addresses = excluded.addresses, terms = excluded.terms
where known.chain = excluded.chain and known.kind = excluded.kind;

-- name: withdraw_watch
-- A slice watches this no more.
delete from kernel.watched_contracts where watch = %(watch)s;

-- name: watches_of
-- Who watches any of these addresses.
select watch, chain, addresses, kind, terms
from kernel.watched_contracts
where chain = %(chain)s and addresses && %(addresses)s::text[]
order by watch;
