"""a webhook's former secrets, which sign beside the new one for a while"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    former: sa.Column[list[str]] = sa.Column(
        "former_secrets", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("webhooks", former)
    op.add_column("webhooks", sa.Column("former_secrets_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("webhooks", "former_secrets_until")
    op.drop_column("webhooks", "former_secrets")
