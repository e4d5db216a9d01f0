"""How an archive keeps its labels: one module a layout."""
