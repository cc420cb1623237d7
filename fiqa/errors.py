"""Everything this package raises on purpose.

    FiqaError
    ├── PhotoError           the file is no photo that can be scored
    │   └── NoFaceError      it is a photo, but there is nothing face-like in it
    ├── CheckpointError      a checkpoint is missing, damaged or of another shape
    ├── DegradationError     unknown degradation or severity out of range
    └── SettingError         a setting or option has no usable value

A message is one or two sentences for the person who made the call: what was wrong, what to do.
"""


class FiqaError(Exception):
    """Base class: catch this to show the message to a user.

    `source` is the path of the photo it is about, where many were asked about.
    """

    source: str | None = None


class PhotoError(FiqaError):
    """The file cannot be read as a photo, or is outside the size limits."""


class NoFaceError(PhotoError):
    """The photo holds no face and nothing that could be scored as one."""


class CheckpointError(FiqaError):
    """A checkpoint cannot be found, fetched, verified or loaded."""


class DegradationError(FiqaError):
    """A degradation is unknown or its severity is out of range."""


class SettingError(FiqaError):
    """An option or environment variable has a value that cannot be used."""
