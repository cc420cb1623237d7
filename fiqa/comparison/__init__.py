"""Compare methods by the scores of their photos, and say how sure one can be.

    inputs       the photos of methods out of folders, zips and CSVs
    matching     which photos of several methods are versions of the same one
    scoring      scores of all versions, each of the same face
    measures     full-reference measures beside the scores, where the undamaged photos are there
    statistics   means with intervals, paired differences, win rates, tests (numbers in, numbers out)
    comparison   all of it joined: methods, pairs and photos of one comparison
    reports      the comparison as table, JSON, CSV, Markdown, LaTeX and one HTML page
    stamp        with what it was computed, so that it can be repeated

Only `scoring` needs a predictor; `statistics` knows no photos. To add a figure of a method or of a pair, add it
to `statistics` and to the dataclass that carries it; to add a format, add it to `FORMATS` here and to the table in
`reports`.
"""

FORMATS = ("table", "json", "csv", "md", "tex", "html")
"""What a report can be; here, so that the command line offers them without loading what makes them."""
