"""A running api and two tenants that know nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.tables import DatasetVersion
from tests.api.serving import Caller, Server, caller
from tests.worker import seed


@pytest.fixture
def server(database: str) -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def ours(server: Server) -> Iterator[Caller]:
    found = caller(server.url, "ours")
    yield found
    found.http.close()


@pytest.fixture
def theirs(server: Server) -> Iterator[Caller]:
    found = caller(server.url, "theirs")
    yield found
    found.http.close()


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    """Who runs the service: a key that belongs to no tenant of ours."""
    found = caller(server.url, "operator", ("operator",))
    yield found
    found.http.close()


@pytest.fixture
def version(ours: Caller) -> DatasetVersion:
    """A ready dataset version of ours: 60 images of 8 x 8 px."""
    return seed.version(ours.tenant_id)
