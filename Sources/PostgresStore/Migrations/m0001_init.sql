-- The record: what was asked for, what became of it, and who may say so.
-- `trunkline migrate` runs this file in one transaction and then notes its number in `migration`.

create table trunkline.partition (
    number int primary key,
    epoch bigint not null default 0,
    generation uuid not null default gen_random_uuid(),
    redis_run_id text
) with (fillfactor = 25);
comment on table trunkline.partition is
    'One row per partition; their number is fixed when the schema is made. Hosts are spread over them by hash.';
comment on column trunkline.partition.epoch is
    'How often the partition has changed hands. A worker that holds an older one is fenced off.';
comment on column trunkline.partition.generation is
    'Redis keeps the same value; another one there, or none, means that its data was lost.';

create table trunkline.host (
    id int generated always as identity primary key,
    name text collate "C" not null unique,
    partition int not null,
    state text not null default 'closed',
    concurrency_window real,
    failing_since timestamptz,
    suspended_until timestamptz,
    probe_due timestamptz,
    last_error text,
    last_success_at timestamptz,
    updated_at timestamptz not null default now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on table trunkline.host is
    'Remote hosts: lower-case punycode authorities. Written when something changes, not per delivery.';
comment on column trunkline.host.state is
    'State of the circuit: closed (it takes deliveries), open (one probe at a time), dead (open for a week: one a day, nothing waits for it).';
comment on column trunkline.host.probe_due is 'While it is not closed: when the next probe may go.';

create table trunkline.inbox (
    id int generated always as identity primary key,
    url text collate "C" not null unique,
    host int references trunkline.host,
    shared bool not null default false,
    gone_since timestamptz,
    strikes smallint not null default 0,
    struck_since timestamptz
) with (fillfactor = 90);
create index inbox_host on trunkline.inbox (host);
comment on table trunkline.inbox is 'Inbox URLs. Arrays elsewhere hold their ids.';
comment on column trunkline.inbox.host is 'Null: nothing is ever sent to this address.';
comment on column trunkline.inbox.gone_since is
    'It said 404 or 410 three times (a shared one: for a day); expansion fails it at once for 30 days.';
comment on column trunkline.inbox.strikes is 'Answers of 404 or 410 since the last delivery that it took.';

create sequence trunkline.activity_sequence maxvalue 1099511627775 cycle;

create function trunkline.day_of(at timestamptz) returns bigint
    language sql immutable parallel safe
    return floor(extract(epoch from at) / 86400)::bigint;
comment on function trunkline.day_of is 'Days since 1970 UTC: the upper bits of an activity id.';

create function trunkline.next_activity_id() returns bigint
    language sql volatile
    return (trunkline.day_of(now()) << 40) | nextval('trunkline.activity_sequence');

create table trunkline.activity (
    id bigint primary key,
    activity_id text not null,
    type text not null,
    body bytea not null,
    digest bytea not null check (octet_length(digest) = 32),
    key_id text not null,
    content_type text,
    lane smallint not null check (lane between 0 and 3),
    ordering_key text not null,
    audience int[] not null,
    audience_name text,
    synchronization text,
    created_at timestamptz not null default now(),
    expires_at timestamptz
) partition by range (id);
create index activity_activity_id on trunkline.activity (activity_id);
create index activity_ordering on trunkline.activity (key_id, ordering_key);
comment on table trunkline.activity is
    'Activities as they were accepted. Daily partitions; the id carries the day (bits from 40 up).';
comment on column trunkline.activity.activity_id is 'The id in its JSON; two rows may share one.';
comment on column trunkline.activity.body is
    'The exact bytes that are signed and sent (jsonb would reorder them).';
comment on column trunkline.activity.digest is 'SHA-256 of the body.';
comment on column trunkline.activity.lane is '0 urgent, 1 normal, 2 bulk, 3 backfill';
comment on column trunkline.activity.audience is
    'Ids of all inboxes that it is meant for, ascending, unusable ones included (those stand in failed).';

create table trunkline.intake (
    key text primary key,
    activity bigint not null,
    at timestamptz not null default now()
);
create index intake_at on trunkline.intake using brin (at);
comment on table trunkline.intake is
    'Idempotency keys: a repeated one finds the activity it already made. Kept for a stated window.';

create table trunkline.outcome (
    activity bigint not null,
    at timestamptz not null default now(),
    state text not null check (state in ('delivered', 'superseded', 'expired', 'dropped')),
    inbox_ids int[] not null,
    epoch bigint not null,
    worker text not null,
    sequence bigint not null,
    primary key (activity, worker, sequence, state)
) partition by range (activity);
comment on table trunkline.outcome is
    'Deliveries that ended without failing: one row per activity, state and flush of a worker.';

create table trunkline.attempt (
    activity bigint not null,
    inbox int not null,
    at timestamptz not null,
    number smallint not null,
    class text not null,
    status smallint,
    duration_ms int not null,
    detail text not null default '',
    excerpt bytea,
    primary key (activity, inbox, at, number)
) partition by range (activity);
create index attempt_inbox on trunkline.attempt (inbox, at);
comment on table trunkline.attempt is
    'Attempts worth remembering: failures, retries, probes, sampled successes (class delivered).';
comment on column trunkline.attempt.excerpt is 'The start of the answer: bytes, for not all are UTF-8.';

create table trunkline.failed (
    activity bigint not null,
    inbox int not null,
    at timestamptz not null default now(),
    reason text not null,
    status smallint,
    detail text not null default '',
    replayed_at timestamptz,
    primary key (activity, inbox)
) with (fillfactor = 90);
create index failed_inbox on trunkline.failed (inbox);
comment on table trunkline.failed is 'Dead letters: deliveries that were given up. They can be replayed.';
comment on column trunkline.failed.replayed_at is 'Set: it is owed again since then.';

create table trunkline.parked (
    activity bigint primary key,
    reason text not null,
    key_id text not null,
    since timestamptz not null default now()
);
comment on table trunkline.parked is 'Activities that wait for their key; nothing of them is routed yet.';

create table trunkline.signing_key (
    key_id text primary key,
    algorithm text not null,
    pem text not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
comment on table trunkline.signing_key is 'Private keys by keyId. A retired one signs nothing.';

create table trunkline.control (
    id int generated always as identity primary key,
    kind text not null check (kind in ('pause', 'block', 'limit')),
    host text collate "C",
    lane text check (lane in ('urgent', 'normal', 'bulk', 'backfill')),
    key_id text,
    per_second real,
    reason text not null default '',
    actor text not null,
    created_at timestamptz not null default now(),
    until timestamptz
);
comment on table trunkline.control is
    'What operators have paused, blocked or limited, why, and until when. A null names everything.';

create table trunkline.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    detail text not null default ''
);
comment on table trunkline.audit is 'Who did what, by hand.';

create table trunkline.follower (
    audience text not null,
    inbox text collate "C" not null,
    shared_inbox text,
    primary key (audience, inbox)
);
comment on table trunkline.follower is
    'Audiences by name, for producers without a relation of their own; read in pages by inbox.';

create function trunkline.partition_of(host text) returns int
    language plpgsql stable as $$
declare
    hash bytea := sha256(convert_to(host, 'UTF8'));
    high bigint := ('x' || encode(substr(hash, 1, 4), 'hex'))::bit(32)::bigint;
    low bigint := ('x' || encode(substr(hash, 5, 4), 'hex'))::bit(32)::bigint;
    partitions bigint := (select count(*) from trunkline.partition);
begin
    -- 64 unsigned bits fit no integer type here, so the remainder is taken in two halves.
    return ((high % partitions) * (4294967296 % partitions) + low) % partitions;
end
$$;
comment on function trunkline.partition_of is
    'The partition of a host: the first 8 bytes of SHA-256 of its name, unsigned big-endian, modulo their number.';

create function trunkline.fence(numbers int[], epochs bigint[]) returns void
    language plpgsql as $$
declare
    held record;
    lost int[] := numbers;
begin
    -- In order, so that two flushes never wait for each other; locked until the flush is over, so
    -- that a takeover waits for it and is then seen by the next one.
    for held in
        select p.number, p.epoch from trunkline.partition p
        where p.number = any (numbers) order by p.number for share
    loop
        if exists (
            select from unnest(numbers, epochs) as asked (number, epoch)
            where asked.number = held.number and asked.epoch = held.epoch
        ) then
            lost := array_remove(lost, held.number);
        end if;
    end loop;
    if cardinality(lost) > 0 then
        raise exception 'partitions % have another owner', lost
            using errcode = 'TR001', detail = array_to_string(lost, ',');
    end if;
end
$$;
comment on function trunkline.fence is
    'Raises TR001, with the lost partitions as its detail, unless every epoch is the current one.';
