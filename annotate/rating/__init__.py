"""One participant at a time: whose link it is, which step comes next, which stimulus.

`sitting` has the actions. Each reads (`reading`), decides (`rules`: pure functions of a `state`, without a database)
and writes. `assignment` gives the next stimuli, `links` says whose link it is, `messages` is what the page may send.
Imports `queries`, `database` and `design`; never `ui`. A new action of the page: a function in `messages` and a row in
its `ACTIONS`.
"""
