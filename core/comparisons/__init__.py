"""Methods against a control, over the same seeds. `statistics`: what figures say; `requests`: what customers ask."""
