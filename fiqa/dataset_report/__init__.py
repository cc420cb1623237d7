"""What a set of scores looks like: its spread, its slices, how far it is from another set, its worst and best photos.

    inputs      reads what `fiqa score` wrote: parquet, CSV or JSON lines, with columns of one's own
    statistics  means, quantiles and differences with intervals (numbers in, numbers out)
    summary     all of it joined: sets, slices, drift, examples
    reports     the summary as table and JSON
    page        the summary as one HTML page, made like that of a comparison
    command     `fiqa report`

Needs no predictor. Shares figures and the frame of the page with `fiqa.comparison`, groups with `fiqa.audit`.
"""

FORMATS = ("table", "json", "html")
"""What a report can be; here, so that the command line offers them without loading what makes them."""
