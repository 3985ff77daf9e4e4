-- Which activities may owe something: what a rebuild and the stocktaking of workers look through,
-- in the place of the whole record.

create table trunkline.owing (
    activity bigint primary key,
    size int not null,
    as_of bigint not null,
    since timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table trunkline.owing is
    'Activities that may owe something. One that is not here owes nothing; what has ended goes within minutes.';
comment on column trunkline.owing.size is 'Inboxes in its audience.';
comment on column trunkline.owing.as_of is
    'No activity was newer than that when it was last given to Redis. Fresh ones: itself.';
comment on column trunkline.owing.since is 'When it was stored, or woken, or replayed.';

-- What is stored meanwhile by a worker of the version before waits for the trigger.
lock table trunkline.activity in share row exclusive mode;
-- From before this table; those that owe nothing go with the first sweep.
insert into trunkline.owing (activity, size, as_of, since)
select id, cardinality(audience), id, created_at from trunkline.activity;

-- Triggers, so that no writer can forget it: not a worker of the version before, not a person.
create function trunkline.note_owing() returns trigger
    language plpgsql as $$
begin
    insert into trunkline.owing (activity, size, as_of)
    select f.id, cardinality(f.audience), f.id from fresh f
    on conflict (activity) do nothing;
    return null;
end
$$;
create trigger activity_owing after insert on trunkline.activity
    referencing new table as fresh
    for each statement execute function trunkline.note_owing();

create function trunkline.newest_activity() returns bigint
    language sql volatile
    return (select (trunkline.day_of(now()) << 40) | s.last_value
        from trunkline.activity_sequence s);
comment on function trunkline.newest_activity is
    'No activity up to now has a higher id; those that come will have.';

alter table trunkline.parked add column waking bool not null default false;
comment on column trunkline.parked.waking is
    'Somebody is about to route it: a rebuild meanwhile brings it back.';

create function trunkline.note_replayed() returns trigger
    language plpgsql as $$
begin
    -- An update, not nothing: it waits for a sweep that has the row in hand, and comes after it.
    insert into trunkline.owing as o (activity, size, as_of)
    select a.id, cardinality(a.audience), trunkline.newest_activity() + 1
    from trunkline.activity a where a.id = new.activity
    on conflict (activity) do update set as_of = excluded.as_of, since = now();
    return null;
end
$$;
create trigger failed_replayed after update of replayed_at on trunkline.failed
    for each row when (old.replayed_at is null and new.replayed_at is not null)
    execute function trunkline.note_replayed();

create function trunkline.owed_by(activities bigint[])
    returns table (activity bigint, inbox int)
    language sql stable as $$
    select a.id, unnest(a.audience) from trunkline.activity a where a.id = any (activities)
    except
    select o.activity, unnest(o.inbox_ids) from trunkline.outcome o
    where o.activity = any (activities)
    except
    select f.activity, f.inbox from trunkline.failed f
    where f.activity = any (activities) and f.replayed_at is null
$$;
comment on function trunkline.owed_by is
    'Deliveries without an end, of these activities: audience - outcomes - failed.';

create function trunkline.sweep_owing(
    beyond bigint, most_activities int, most_inboxes int, least_age interval
) returns bigint
    language plpgsql as $$
declare
    page bigint[];
begin
    select array_agg(sized.activity order by sized.activity) into page from (
        select next.activity, sum(next.size) over (order by next.activity) - next.size as before
        from (
            select o.activity, o.size from trunkline.owing o
            where o.activity > beyond and o.since < now() - least_age
            order by o.activity limit most_activities
        ) next
    ) sized
    where sized.before < most_inboxes;
    if page is null then
        return null;
    end if;
    -- Locked, and then looked at anew: whoever makes one of them owe again waits, or is seen.
    perform from trunkline.owing o where o.activity = any (page) order by o.activity for update;
    delete from trunkline.owing o
    where o.activity = any (page)
        and o.activity <> all (array(select distinct w.activity from trunkline.owed_by(page) w));
    return page[cardinality(page)];
end
$$;
comment on function trunkline.sweep_owing is
    'Forgets, of a page of them, activities that owe nothing; returns the last that was looked at, null at the end.';

create or replace function trunkline.drop_partitions(retention_days int, intake_days int default 7)
    returns int
    language plpgsql
    -- DROP waits for every reader and makes all others queue behind it: rather try again later.
    set lock_timeout = '2s' as $$
declare
    today bigint := trunkline.day_of(now());
    child record;
    suffix text;
    dropped int := 0;
begin
    perform pg_advisory_xact_lock(hashtext('trunkline.ensure_partitions'));
    for child in
        select c.relname, to_date(right(c.relname, 10), 'YYYY_MM_DD') - date '1970-01-01' as day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'trunkline.activity'::regclass
        order by c.relname
    loop
        continue when child.day >= today - retention_days;
        continue when exists (
            select from trunkline.owed(child.day::bigint << 40, (child.day + 1)::bigint << 40));
        suffix := right(child.relname, 10);
        execute format('drop table trunkline.%I, trunkline.%I, trunkline.%I',
            'activity_' || suffix, 'outcome_' || suffix, 'attempt_' || suffix);
        delete from trunkline.failed f
        where f.activity >= child.day::bigint << 40 and f.activity < (child.day + 1)::bigint << 40;
        delete from trunkline.owing o
        where o.activity >= child.day::bigint << 40 and o.activity < (child.day + 1)::bigint << 40;
        dropped := dropped + 1;
    end loop;
    delete from trunkline.intake i where i.at < now() - make_interval(days => intake_days);
    return dropped;
end
$$;
