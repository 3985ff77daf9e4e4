-- Activities are parked for a paused sender, too: the view says which it is.

comment on table trunkline.parked is
    'Activities that wait for their key, or for the end of their sender''s pause; nothing of them is routed yet.';

create index parked_key_id on trunkline.parked (key_id);

create or replace view trunkline.delivery as
select
    a.activity_id as activity,
    i.url as inbox,
    h.name as host,
    (array['urgent', 'normal', 'bulk', 'backfill'])[a.lane + 1] as lane,
    e.state,
    e.attempts,
    e.last_status,
    case
        when e.state <> 'waiting' or p.activity is null then e.last_error
        when starts_with(p.reason, 'its sender is paused') then p.reason
        else 'missing key ' || p.key_id
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
comment on column trunkline.delivery.last_error is
    'Of the last recorded attempt; without one, why it failed; while it is parked, why.';
