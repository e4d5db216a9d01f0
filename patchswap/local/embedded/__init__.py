"""The parts of `patchswap up`: bundled Postgres, bundled Redis, and the supervisor that keeps them running.

Nothing here imports the service's own rooms; the api and the workers are started as processes.
"""
