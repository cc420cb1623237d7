"""Audit a checkpoint by groups of people: does the same damage cost the same, whoever is shown.

    groups       a CSV that says who is in which photo, joined with the photos
    appearance   what can be measured of a face itself: skin tone, pose, size
    statistics   means by group and gaps between groups, with intervals by person (numbers in, numbers out)
    scoring      every photo scored as it is and with each damage, the face at one place
    summary      the above joined: groups and gaps of one audit
    reports      the audit as table, JSON, CSV and Markdown; `figure` draws it
    command      `fiqa audit`

Only `scoring` needs a predictor; `statistics` knows no photos. To add a measured column, add a row to `MEASURED` in
`appearance`; to add a format, add it to `FORMATS` here and to the table in `reports`.
"""

FORMATS = ("table", "json", "csv", "md")
"""What a report can be; here, so that the command line offers them without loading what makes them."""
MEASURED = ("skin tone", "pose", "face size")
"""Columns that are measured of the faces themselves, besides those of the CSV."""
DAMAGES = ("gaussian_blur:0.5", "gaussian_noise:0.5", "low_light:0.5", "jpeg:0.5")
"""The damage that is done unless `--damage` says otherwise."""
