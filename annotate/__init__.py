"""Crowd labelling: who rates which face image, and what the ratings mean.

A study holds stimuli and a protocol; participants rate them in sittings; every rating is one row that is on
disk before it is acknowledged. This package knows databases and no networks: it imports neither torch nor fiqa.

The rooms, each importing only those below it:

    __main__, cli   the command line
    ui              the tabs Rate and Studies
    analysis        from the database to the statistics and back
    exchange        files in and out: exports, imported ratings, scores of a model
    rating          one participant at a time: links, sittings, which stimulus next
    stimuli         pictures into a study
    queries         every query; the caller opens the transaction
    database        engine, tables, migrations, backups
    statistics      MOS, reliability, screening: arrays in, numbers out, no database
    design          what a study asks: protocol, scales, languages, no database
    owners, training_runs, csv_files, names, wording, settings, errors: used from anywhere above them
"""
