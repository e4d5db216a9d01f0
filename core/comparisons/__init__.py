"""Methods against a control, over the same seeds and on one budget.

`spec`: what may be asked; `contenders`: the job spec of each method; `requests`: submit, cancel, delete; `trials`: how
far the jobs are and what they measured; `statistics`, `table`, `rendering`, `plot`: what that says.
"""
