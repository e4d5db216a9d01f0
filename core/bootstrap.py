"""`python -m core.bootstrap`: the first key of a tenant, for whoever runs the service."""

import argparse
import json

from core.accounts.keys import SCOPES, create, ensure_tenant
from core.database.database import transaction


def main() -> None:
    parser = argparse.ArgumentParser(description="Create a tenant if need be, and print a new key for it as JSON.")
    parser.add_argument("--name", default="default", help="the tenant's name")
    parser.add_argument("--operator", action="store_true", help="the key also reads /metrics of the whole service")
    arguments = parser.parse_args()
    scopes = (*SCOPES, "operator") if arguments.operator else SCOPES
    with transaction() as session:
        tenant = ensure_tenant(session, arguments.name)
        row, secret = create(session, tenant.id, name="bootstrap", scopes=scopes)
    print(json.dumps({"tenant_id": tenant.id, "key_id": row.id, "api_key": secret}))


if __name__ == "__main__":
    main()
