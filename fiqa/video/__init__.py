"""Score the faces of a clip over time: `fiqa video`; needs the extra `video`.

    frames      upright frames of a clip, one every so often, within the limits of photos
    tracking    which face of a frame is which person
    scoring     scores of every sampled frame and person, and the best frames
    reports     the scores as table, CSV, JSON and a figure

One frame is in memory at a time; of the others only numbers are kept, and the best are read again.
"""

FORMATS = ("table", "json", "csv")
"""What a report can be; here, so that the command line offers them without loading what makes them."""
