"""From a spec to weights."""
