"""Everything this package raises on purpose.

    AnnotateError
    ├── SettingError              an environment variable or option has no usable value
    ├── DatabaseError             the database is unreachable, locked, full, read-only or of a newer version
    ├── StudyError                no such study
    │   └── StudyStateError       the study's state does not allow this
    ├── ProtocolError             a protocol has a value that cannot be used
    ├── StimulusError             a picture, folder, archive or list of pictures cannot be used
    ├── ImportedRatingsError      a table of ratings from elsewhere cannot be used
    ├── RatingsError              a table of ratings is inconsistent: lengths, ids, a grade off the scale
    ├── PanelError                what a panel says of its submissions cannot be used
    ├── ExportError               an export cannot be written
    ├── TrainingRunError          a training cannot be started
    ├── DiagnosisError            pictures cannot be diagnosed
    ├── BackupError               a backup or restore failed
    ├── AccessError               the link or secret is wrong, or does not open this
    │   ├── OutsidePanelError     a panel's link was not opened from the panel
    │   └── TooManyGuessesError   and was wrong too often
    ├── SittingError              the sitting is not at the step where this belongs
    └── RatingError               a rating cannot be taken
        ├── GradeError            its grade is not on the scale
        └── AssignmentGoneError   the picture went to somebody else in the meantime

A message is one or two sentences for the person who made the call: what was wrong, what to do.
"""


class AnnotateError(Exception):
    """Base class: catch this to show the message to a user."""


class SettingError(AnnotateError):
    """An environment variable or option has a value that cannot be used."""


class DatabaseError(AnnotateError):
    """The database cannot be opened, read or written."""


class StudyError(AnnotateError):
    """There is no such study, or a name is taken."""


class StudyStateError(StudyError):
    """What was asked does not fit the study's state: draft, open, paused or closed."""


class ProtocolError(AnnotateError):
    """A protocol's values contradict each other or are out of range."""


class StimulusError(AnnotateError):
    """A picture, folder, archive or list of files cannot be taken as stimuli."""


class ImportedRatingsError(AnnotateError):
    """A table of ratings from elsewhere has rows that cannot be taken."""


class RatingsError(AnnotateError):
    """Columns of ratings do not fit together."""


class PanelError(AnnotateError):
    """A panel's list of submissions, or an amount to pay, cannot be used."""


class ExportError(AnnotateError):
    """An export cannot be written."""


class TrainingRunError(AnnotateError):
    """A training cannot be started: something is missing here, or another one is running."""


class DiagnosisError(AnnotateError):
    """Pictures cannot be diagnosed: the network that does it cannot be used now."""


class BackupError(AnnotateError):
    """A backup could not be made, verified or restored."""


class AccessError(AnnotateError):
    """The link or secret is wrong, or does not open this."""


class OutsidePanelError(AccessError):
    """A link for a panel was opened without the panel, which puts the participant's ID into it."""


class TooManyGuessesError(AccessError):
    """Wrong links or secrets came too often from one place."""


class SittingError(AnnotateError):
    """The sitting is not at the step where this belongs."""


class RatingError(AnnotateError):
    """The rating was given already, or belongs to another assignment."""


class GradeError(RatingError):
    """The grade is not on the scale."""


class AssignmentGoneError(RatingError):
    """The lease ran out and the picture went to somebody else; go on with the next."""
