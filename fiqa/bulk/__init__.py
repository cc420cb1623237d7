"""More photos than one wants to keep in memory: lists of them, tables, archives, URLs; results written as they come.

`sources` yields photos one by one, from `lists`, `urls` and the data sets of `hub`; `workers` scores them in processes;
`sinks` writes rows and knows what is written already; `command` is the part of `fiqa score` that puts them together.
Imports `photo_scorer` and what is below it. A new kind of list: a row in `lists.LISTS`; a new kind of file to write: a
row in `sinks.SINKS`.
"""
