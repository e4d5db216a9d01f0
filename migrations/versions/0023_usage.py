"""what each attempt used: useful, lost to the platform, waiting

Of attempts that ended before, a job's trainer seconds are shared out by their wall time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_SECONDS = ("trainer_seconds_before", "kept_seconds", "kept_trainer_seconds")
_LOST = "'crashed', 'worker_lost', 'shutdown', 'lease', 'object_store_unavailable'"
_EARLIER = f"""
INSERT INTO usage_records (job_id, attempt, tenant_id, project, device, devices, started_at, ended_at, outcome,
    useful_seconds, lost_seconds, waiting_seconds)
SELECT job_id, number, tenant_id, project, device, devices, started_at, ended_at, outcome, useful,
    CASE WHEN lost THEN wall - useful ELSE 0 END, CASE WHEN lost THEN 0 ELSE wall - useful END
FROM (
    SELECT *, wall * least(1, gpu_seconds / nullif(sum(wall) OVER (PARTITION BY job_id), 0)) AS useful FROM (
        SELECT a.job_id, a.number, j.tenant_id, j.labels->>'project' AS project,
            split_part(j.progress->>'device', ':', 1) AS device,
            coalesce((j.resolved->'training'->>'devices')::bigint, 1) AS devices,
            a.started_at, a.ended_at, coalesce(a.outcome, 'unknown') AS outcome, j.gpu_seconds,
            a.outcome IN ({_LOST}) IS TRUE AS lost, extract(epoch FROM a.ended_at - a.started_at)::float AS wall
        FROM job_attempts a JOIN jobs j ON j.id = a.job_id WHERE a.ended_at IS NOT NULL
    ) AS walls WHERE wall > 0
) AS shared"""  # noqa: S608 - made of constants


def upgrade() -> None:
    op.create_table(
        "usage_records",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("useful_seconds", sa.Double(), nullable=False),
        sa.Column("lost_seconds", sa.Double(), nullable=False),
        sa.Column("waiting_seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_usage_records_tenant_id"),
        sa.PrimaryKeyConstraint("job_id", "attempt", name="pk_usage_records"),
    )
    op.create_index("ix_usage_records_tenant_id_ended_at", "usage_records", ["tenant_id", "ended_at"])
    for name in _SECONDS:
        op.add_column("job_attempts", sa.Column(name, sa.Double(), server_default=sa.text("0"), nullable=False))
    op.execute(_EARLIER)


def downgrade() -> None:
    for name in reversed(_SECONDS):
        op.drop_column("job_attempts", name)
    op.drop_index("ix_usage_records_tenant_id_ended_at", table_name="usage_records")
    op.drop_table("usage_records")
