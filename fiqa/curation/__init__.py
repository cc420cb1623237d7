"""Sort many photos into keep, maybe and drop, and put those that are wanted into a folder or a list.

    photo_facts     what is known of one photo: score, faces with sizes and poses, perceptual hash, degradation
    journal         facts of a folder's photos, kept so that no photo is scored twice
    thresholds      a threshold from a share to keep, a reference set, or examples (numbers in, numbers out)
    rules           facts and rules in, a verdict with its reason for every photo out
    examination     facts of a folder's photos, from its journal or anew
    near_duplicates groups of photos that look alike
    curation        the above joined: `fiqa.curate`
    placing         copies, links or moves photos; an interrupted run is taken up, and a log undoes it
    persons         who is on the photos, told by the faces themselves
    user_lists      tables and lists that users write: persons, examples
    lists           the photos as text, CSV or JSON Lines for the next program
    reports         verdicts as table, JSON, CSV and Parquet
    contact_sheet   one HTML page of pictures, by verdict

Only `photo_facts`, `examination` and `curation` need a predictor; `thresholds` and `rules` know no files. To add a
rule, add it to `Rules` and to `sort_photos`, which say in which order rules are applied.
"""

FORMATS = ("table", "json", "csv")
"""What a report can be; here, so that the command line offers them without loading what makes them."""

PLACINGS = ("copy", "link", "symlink", "move", "list")
"""How photos get to where they are wanted; a link is a hard link, a list a file that names them."""

TAKEN = ("keep", "maybe", "drop")
"""The verdicts that can be asked for."""
