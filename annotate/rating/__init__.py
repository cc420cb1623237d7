"""One participant at a time: `links` finds out who it is, `sitting` which step comes next, `assignment` which stimulus.

`messages` is what the page may send. Imports `queries`, `database` and `design`; never `ui`. A new action of the
page: a function in `messages` and a row in its `ACTIONS`.
"""
