"""The paths of the api, a file a resource. A route is its signature, one call, the commit, the ring and the answer."""

from api.routes import health, jobs

# The polled ones first: routes are tried in this order.
ROUTERS = (health.router, jobs.router)
