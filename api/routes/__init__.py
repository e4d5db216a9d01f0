"""The paths of the api, a file a resource. A route is its signature, one call, the commit, the ring and the answer."""

from api.routes import (
    audit,
    checkpoints,
    comparisons,
    datasets,
    evaluation,
    events,
    exports,
    health,
    jobs,
    keys,
    metrics,
    metrics_text,
    models,
    pareto,
    predict,
    profiles,
    recipes,
    reference,
    samples,
    signing,
    sweeps,
    uploads,
    webhooks,
)

# The polled ones first: routes are tried in this order.
ROUTERS = tuple(
    module.router
    for module in (
        health,
        reference,
        jobs,
        events,
        metrics,
        checkpoints,
        evaluation,
        comparisons,
        uploads,
        datasets,
        samples,
        models,
        pareto,
        predict,
        profiles,
        exports,
        signing,
        sweeps,
        recipes,
        webhooks,
        keys,
        audit,
        metrics_text,
    )
)
