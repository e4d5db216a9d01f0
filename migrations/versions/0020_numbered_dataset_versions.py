"""names of datasets that are unique in a tenant, and numbered versions

Of datasets that share a name the newest keeps it; an older one gets the end of its id: `photos-9f3a2b4c`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_RENAME = """
UPDATE datasets SET name = left(datasets.name, 191) || '-' || right(datasets.id, 8)
WHERE deleted_at IS NULL AND EXISTS (
    SELECT FROM datasets newer WHERE newer.tenant_id = datasets.tenant_id AND newer.name = datasets.name
        AND newer.deleted_at IS NULL AND newer.id > datasets.id)"""
_NUMBER = """
UPDATE dataset_versions SET number = counted.number
FROM (SELECT id, row_number() OVER (PARTITION BY dataset_id ORDER BY id) AS number FROM dataset_versions) AS counted
WHERE counted.id = dataset_versions.id"""


def upgrade() -> None:
    op.add_column("dataset_versions", sa.Column("number", sa.BigInteger(), nullable=True))
    op.add_column(
        "dataset_versions",
        sa.Column("changes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column("dataset_versions", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_RENAME)
    op.execute(_NUMBER)
    op.create_index("ix_datasets_tenant_id_name", "datasets", ["tenant_id", "name"])


def downgrade() -> None:
    op.drop_index("ix_datasets_tenant_id_name", table_name="datasets")
    op.drop_column("dataset_versions", "deleted_at")
    op.drop_column("dataset_versions", "changes")
    op.drop_column("dataset_versions", "number")
