"""The statement that leases the next piece of work, in turns by tenant."""

from contracts.kit.shares import tenants_of

_NEAR = 32
LEASE_ONE = f"""
WITH RECURSIVE {tenants_of("work", "tenant_id > $8")},
near AS (
    SELECT t.tenant_id, first.kind, first.due_at FROM tenants t CROSS JOIN LATERAL (
        SELECT k.kind, w.due_at FROM unnest($4::text[]) AS k (kind) CROSS JOIN LATERAL (
            SELECT due_at FROM work w WHERE w.tenant_id = t.tenant_id AND w.kind = k.kind AND due_at <= $3
            ORDER BY due_at LIMIT 1) AS w
        ORDER BY w.due_at LIMIT 1) AS first
    WHERE (SELECT min(due_at AT TIME ZONE 'UTC') FROM work) <= $3 AT TIME ZONE 'UTC'
    LIMIT {_NEAR}
),
turns AS (
    SELECT n.tenant_id, n.kind FROM near n
    LEFT JOIN unnest($5::uuid[], $6::int[]) AS u (tenant_id, pieces) USING (tenant_id)
    WHERE coalesce(u.pieces, 0) < $7
    ORDER BY coalesce(u.pieces, 0), n.due_at
),
taken AS (
    SELECT next.tenant_id, next.id FROM turns t CROSS JOIN LATERAL (
        SELECT tenant_id, id FROM work w WHERE w.tenant_id = t.tenant_id AND w.kind = t.kind AND due_at <= $3
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
    LIMIT 1
)
UPDATE work SET lease = $1, leased_until = $2, attempts = attempts + 1, lost = lost + (lease IS NOT NULL)::int
WHERE (tenant_id, id) = (SELECT tenant_id, id FROM taken)
RETURNING id, tenant_id, kind, attempts, lease, created_at, traceparent, lost
"""  # noqa: S608 - a name from our own code
"""`due_at` is the end of the lease for leased work, and the due time for waiting work.

Only the piece that is taken is locked; a tenant whose pieces others are locking is skipped.
"""
