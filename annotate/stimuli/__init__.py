"""Pictures into a study: read from a folder, zip, CSV or data set, checked, stored once by their SHA-256.

`sources` lists candidates, `files` checks and keeps them, `traps` draws attention checks, `intake` puts them into a
study. Imports `queries`, `database` and `design`. A new source: a function in `sources` that yields `Candidate`s.
"""
