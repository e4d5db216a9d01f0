"""How rows are reached: sessions, the pool, a tenant's own rows, leases."""
