"""The Rate tab: a page of plain JavaScript, and the routes it talks to.

Imports `rating`, `design` and `stimuli`. The page's texts are in `annotate/design/languages`, one file a language.
"""
