"""More photos than one wants to keep in memory: lists of them, tables, archives; results written as they come.

`sources` yields photos one by one, `sinks` writes rows and knows what is written already, `command` is the part of
`fiqa score` that puts them together. Imports `photo_scorer` and what is below it. A new kind of list: a row in
`sources.LISTS`.
"""
