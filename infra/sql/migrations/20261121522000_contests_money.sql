-- migrate:up

-- What a fee payer's transaction cost is booked by whoever ends it; that it is no transfer of the treasury's is read
-- under a lock, which asks for this.
grant update (settled_at) on kernel.treasury_transfers to counterpart_contests;

set local role counterpart_contests;

-- What somebody is owed (functions/contests/core/obligation.py), or a contest's wallet is advanced.
create table contests.obligations (
    contest_id  uuid        not null references contests.contests,
    kind        text        not null check (kind in ('payout', 'refund', 'advance')),
    line        integer     not null check (line >= 0),
    wallet      text        not null,
    lamports    bigint      not null check (lamports > 0),
    state       text        not null default 'owed' check (state in ('owed', 'sent', 'paid', 'held', 'parked')),
    attempts    integer     not null default 0 check (attempts >= 0),  -- that were ever sent; each has a key of its own
    tries       integer     not null default 0 check (tries between 0 and attempts),  -- since somebody last replayed it
    due_at      timestamptz not null,                          -- not sent before
    looked_at   timestamptz not null,                          -- of one that is held
    entry_key   text        unique,                            -- of the newest attempt, in kernel.solana_outbox
    signature   text,
    slot        bigint,                                        -- of the block that has it
    reason      text,                                          -- why it is held or parked, or the last attempt failed
    owed_at     timestamptz not null,
    moved_at    timestamptz not null,
    primary key (contest_id, kind, line),
    check ((state = 'paid') = (signature is not null and slot is not null)),
    check (state not in ('sent', 'paid') or entry_key is not null),
    check (state not in ('held', 'parked') or reason is not null)
);
create index obligations_open on contests.obligations (contest_id, due_at) where state in ('owed', 'sent');
create index obligations_held on contests.obligations (looked_at) where state = 'held';
create index obligations_stopped on contests.obligations (moved_at, contest_id, kind, line)
    where state in ('held', 'parked');

-- What is taken of a contest's wallet once nobody waits for a payment.
create table contests.sweeps (
    contest_id     uuid        not null references contests.contests,
    number         integer     not null check (number > 0),
    wallet         text        not null,
    lamports       bigint      not null check (lamports > 0),
    found_lamports bigint      not null default 0 check (found_lamports >= 0),  -- came to the wallet, and was no entry
    state          text        not null default 'planned' check (state in ('planned', 'sent', 'swept', 'failed')),
    signature      text,
    slot           bigint,
    reason         text,
    planned_at     timestamptz not null,
    moved_at       timestamptz not null,
    primary key (contest_id, number),
    check ((state = 'swept') = (signature is not null)),
    check ((state = 'failed') = (reason is not null))
);
create unique index sweeps_open on contests.sweeps (contest_id) where state in ('planned', 'sent');
create index sweeps_waiting on contests.sweeps (state, planned_at) where state in ('planned', 'sent');

-- When a contest's wallet was last looked at for a sweep: whoever has waited longest is next.
create table contests.sweep_looks (
    contest_id uuid        primary key references contests.contests,
    looked_at  timestamptz not null
);

-- What a role of its own adds, and an administrator sends on its way again.
grant insert on contests.obligations to counterpart_contests_evaluation;
grant update (state, tries, due_at, reason, moved_at) on contests.obligations to counterpart_contests_admin;
-- Whoever moves a contest's money holds its row, which asks for this.
grant update (moved_at) on contests.contests to counterpart_contests_admin;
reset role;

set local role counterpart_contests_admin;

-- One transfer that an administrator asked for; `batch` is the caller's word. Rows are only ever added: what became of
-- it stands in kernel.solana_outbox.
create table contests.admin_transfers (
    batch       text           not null check (length(batch) between 1 and 100),
    line        integer        not null check (line >= 0),
    kind        text           not null check (kind in ('transfer', 'reclaim')),
    source      text           not null,
    recipient   text           not null,
    mint        text,                                          -- null: lamports
    decimals    smallint       check (decimals between 0 and 255),
    amount      numeric(20, 0) not null check (amount > 0),
    found_lamports bigint      not null default 0 check (found_lamports >= 0),  -- as in contests.sweeps
    entry_key   text           not null unique,
    actor       text           not null,
    reason      text           not null,
    asked_at    timestamptz    not null,
    primary key (batch, line),
    check ((mint is null) = (decimals is null))
);
create index admin_transfers_source on contests.admin_transfers (source);
create index admin_transfers_recipient on contests.admin_transfers (recipient);
revoke update, delete, truncate on contests.admin_transfers from counterpart_contests_admin;

-- A key that somebody wants to have outside, sealed to a public key of theirs; given once two others have agreed.
create table contests.key_exports (
    id          uuid        primary key,
    address     text        not null,
    sealed_to   bytea       not null check (length(sealed_to) = 32),  -- X25519
    actor       text        not null,
    reason      text        not null,
    asked_at    timestamptz not null,
    expires_at  timestamptz not null,
    box         bytea,                                         -- the key, sealed to that; from the second approval until it is given
    given_at    timestamptz,
    check (given_at is null or box is null)
);
create table contests.export_approvals (
    export_id   uuid        not null references contests.key_exports,
    actor       text        not null,
    approved_at timestamptz not null,
    primary key (export_id, actor)
);
revoke update, delete, truncate on contests.key_exports, contests.export_approvals from counterpart_contests_admin;
grant update (box, given_at) on contests.key_exports to counterpart_contests_admin;
reset role;

-- migrate:down

drop table contests.export_approvals;
drop table contests.key_exports;
drop table contests.admin_transfers;
drop table contests.sweep_looks;
drop table contests.sweeps;
drop table contests.obligations;
revoke update (settled_at) on kernel.treasury_transfers from counterpart_contests;
