"""What must be chosen on the page before something can be done with it."""

from annotate.errors import StudyError


def opened_study(study_id: int | None) -> int:
    """Return the opened study's id; raise StudyError where none is open."""
    if study_id is None:
        raise StudyError("Open a study first.")
    return study_id


def chosen_picture(picture: int | None) -> int:
    """Return the chosen picture's id; raise StudyError where none is chosen."""
    if picture is None:
        raise StudyError("Choose a picture first.")
    return picture


def chosen_person(pseudonym: str | None) -> str:
    """Return the code of the person that is looked at; raise StudyError where nobody is."""
    if not pseudonym:
        raise StudyError("Choose a person from the table first.")
    return pseudonym
