"""The tests mirror the rooms: `tests/api` tests `api`, and so on."""
