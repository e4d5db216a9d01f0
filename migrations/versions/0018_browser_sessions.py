"""sessions of browsers, and links that begin one"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_browser_sessions_key_id"),
        sa.PrimaryKeyConstraint("sha256", name="pk_browser_sessions"),
    )
    op.create_index("ix_browser_sessions_ends_at", "browser_sessions", ["ends_at"])
    op.create_table(
        "login_links",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_login_links_key_id"),
        sa.PrimaryKeyConstraint("sha256", name="pk_login_links"),
    )


def downgrade() -> None:
    op.drop_table("login_links")
    op.drop_table("browser_sessions")
