-- Daily partitions: made ahead, dropped whole, never while they owe.

create function trunkline.ensure_partitions(days_ahead int default 7) returns int
    language plpgsql as $$
declare
    today bigint := trunkline.day_of(now());
    parent text;
    child text;
    made int := 0;
begin
    -- The transaction's own lock: works through a pooler, and ends with it.
    perform pg_advisory_xact_lock(hashtext('trunkline.ensure_partitions'));
    for day in today - 1 .. today + days_ahead loop
        foreach parent in array array['activity', 'outcome', 'attempt'] loop
            child := parent || to_char(date '1970-01-01' + day::int, '"_"YYYY_MM_DD');
            continue when to_regclass(format('trunkline.%I', child)) is not null;
            -- Made apart and attached: unlike PARTITION OF, that does not lock readers and writers
            -- of the parent out.
            execute format('create table trunkline.%I (like trunkline.%I including all)',
                child, parent);
            if parent = 'outcome' then
                -- 500 inbox ids are just over what PostgreSQL moves to a TOAST table, which would
                -- nearly double the row; they stay in it, and random ids do not compress.
                execute format('alter table trunkline.%I set (toast_tuple_target = 8160)', child);
            end if;
            execute format('alter table trunkline.%I attach partition trunkline.%I'
                ' for values from (%s) to (%s)', parent, child, day::bigint << 40, (day + 1)::bigint << 40);
            made := made + 1;
        end loop;
    end loop;
    return made;
end
$$;
comment on function trunkline.ensure_partitions is
    'Makes the partitions of yesterday up to so many days ahead; returns how many were missing.';

create function trunkline.owed(first bigint, beyond bigint)
    returns table (activity bigint, inbox int)
    language sql stable as $$
    select a.id, unnest(a.audience) from trunkline.activity a
    where a.id >= first and a.id < beyond
    except
    select o.activity, unnest(o.inbox_ids) from trunkline.outcome o
    where o.activity >= first and o.activity < beyond
    except
    select f.activity, f.inbox from trunkline.failed f
    where f.activity >= first and f.activity < beyond and f.replayed_at is null
$$;
comment on function trunkline.owed is
    'Deliveries without an end, of the activities first <= id < beyond: audience - outcomes - failed.';

create function trunkline.drop_partitions(retention_days int, intake_days int default 7)
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
        dropped := dropped + 1;
    end loop;
    delete from trunkline.intake i where i.at < now() - make_interval(days => intake_days);
    return dropped;
end
$$;
comment on function trunkline.drop_partitions is
    'Drops the days older than the retention that owe nothing, their dead letters, and old idempotency keys.';
