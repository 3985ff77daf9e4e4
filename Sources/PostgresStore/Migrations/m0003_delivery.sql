-- What became of every delivery, for people and dashboards.

create function trunkline.ends(activity bigint, audience int[])
    returns table (
        inbox int, state text, attempts int, last_status int, last_error text,
        updated_at timestamptz)
    language sql stable as $$
    select
        asked.inbox,
        case
            when ended.state is not null then ended.state
            when dead.inbox is not null then 'failed'
            else 'waiting'
        end,
        -- Successes are sampled: one that left no row was an attempt all the same.
        (coalesce(tried.count, 0)
            + (ended.state is not distinct from 'delivered'
                and tried.class is distinct from 'delivered')::int)::int,
        coalesce(tried.status, case when tried.inbox is null then dead.status end)::int,
        case
            when tried.class = 'delivered' then null
            when tried.inbox is not null then concat_ws(': ', tried.class, nullif(tried.detail, ''))
            when dead.inbox is not null then concat_ws(': ', dead.reason, nullif(dead.detail, ''))
        end,
        greatest(ended.at, dead.at, tried.at)
    from unnest(audience) as asked (inbox)
    left join (
        select distinct on (each.inbox) each.inbox, o.state, o.at
        from trunkline.outcome o cross join lateral unnest(o.inbox_ids) as each (inbox)
        where o.activity = ends.activity
        order by each.inbox, o.state = 'delivered' desc, o.at desc
    ) ended using (inbox)
    left join (
        select f.inbox, f.at, f.reason, f.status, f.detail
        from trunkline.failed f where f.activity = ends.activity and f.replayed_at is null
    ) dead using (inbox)
    left join (
        select distinct on (t.inbox) t.inbox, t.at, t.class, t.status, t.detail,
            count(*) over (partition by t.inbox) as count
        from trunkline.attempt t where t.activity = ends.activity
        order by t.inbox, t.at desc, t.number desc
    ) tried using (inbox)
$$;
comment on function trunkline.ends is 'How the deliveries of one stored activity stand.';

create view trunkline.delivery as
select
    a.activity_id as activity,
    i.url as inbox,
    h.name as host,
    (array['urgent', 'normal', 'bulk', 'backfill'])[a.lane + 1] as lane,
    e.state,
    e.attempts,
    e.last_status,
    case
        when e.state = 'waiting' and p.activity is not null then 'missing key ' || p.key_id
        else e.last_error
    end as last_error,
    coalesce(e.updated_at, p.since, a.created_at) as updated_at
from trunkline.activity a
cross join lateral trunkline.ends(a.id, array(
    select unnest(a.audience)
    except
    select unnest(newer.audience) from trunkline.activity newer
    where newer.activity_id = a.activity_id and newer.id > a.id
)) e
join trunkline.inbox i on i.id = e.inbox
left join trunkline.host h on h.id = i.host
left join trunkline.parked p on p.activity = a.id;
comment on view trunkline.delivery is
    'One row per activity (id as in its JSON) and inbox URL; of two activities with one id the newest wins.';
comment on column trunkline.delivery.state is
    'waiting, delivered, failed, superseded, expired or dropped';
comment on column trunkline.delivery.last_error is
    'Of the last recorded attempt; without one, why it failed; while it is parked, the missing key.';
