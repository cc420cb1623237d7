"""A study as a data set of the Hugging Face Hub: parquet with the pictures in it, and a card.

    OUT/
      README.md              the card: what it is, how it was rated, what each column says
      data/train-….parquet   a row a picture: `image` with its bytes, its MOS and intervals, source and condition
      data/validation-….parquet, data/test-….parquet
      conditions.parquet, condition_pairs.parquet, pairs.parquet …   the other tables of results that a study has

Of a study of pairs a picture has its place on the scale in place of the MOS.

`datasets.load_dataset` reads it, from the folder or from the Hub. It names no participant. Needs the extra `parquet`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from annotate import queries
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.errors import ExportError
from annotate.exchange.export_results import StudyResults, read_results
from annotate.exchange.export_tables import MOS, SCALE, ExportTable, Row, with_scales
from annotate.exchange.layout import Label, LabelledStimulus, Layout, lay_out
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.stimuli.files import stimulus_path
from annotate.wording import counted

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""Our splits, and what the Hub calls them."""
PICTURES_OF_A_FILE = 2000
_PICTURES = (MOS.name, SCALE.name)
"""Tables of which the columns are in the rows of the pictures."""
_NUMBERS = ("mos", "sos", "ci95", "mos_p910", "ci95_p910")
_COUNTS = ("ratings", "unusable")
_TEXTS = ("stimulus", "source", "condition", "sha256")


class _Columns(NamedTuple):
    """Names of columns by what they hold."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    counts: tuple[str, ...]

    @classmethod
    def of(cls, protocol: StudyProtocol) -> "_Columns":
        """Return the columns of a study: the figures of further scales have these' names behind."""
        if method_of(protocol).unit is Unit.PAIR:
            return cls(_TEXTS, ("jod", "ci95"), ("comparisons", "group"))
        further = protocol.scale_names[1:]
        numbers = (*_NUMBERS, *(f"{figure}_{scale}" for scale in further for figure in _NUMBERS))
        return cls(_TEXTS, numbers, (*_COUNTS, *(f"ratings_{scale}" for scale in further)))

    def types(self) -> dict[str, str]:
        """Return the type of every column, as Arrow and the Hub call it."""
        typed = ((self.texts, "string"), (self.numbers, "float64"), (self.counts, "int64"))
        return {name: kind for names, kind in typed for name in names}


@dataclass(frozen=True)
class HubDatasetReport:
    """What was written, and the repository that has it now, if any."""

    path: str
    splits: Mapping[str, int]
    left_out: Mapping[str, int]
    repository: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)


def write_hub_dataset(
    database: Database,
    study_id: int,
    data_dir: Path,
    out: Path,
    *,
    label: Label = "mos",
    min_ratings: int = 1,
    seed: int = 20,
) -> HubDatasetReport:
    """Write a study as a data set of the Hub.

    Args:
        database: Where the study is; it is read in one snapshot.
        study_id: Which study.
        data_dir: Where the pictures are.
        out: A new or empty folder.
        label: By which pictures are divided, with the same spread in every split; by their JOD in a study of pairs.
        min_ratings: Pictures with fewer ratings are left out.
        seed: Decides which source goes into which split.

    Raises:
        ExportError: `out` is not empty, a picture is missing, the disk is full, or the package pyarrow is.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} is not empty; name a new folder.")
    with database.read() as db:
        study = queries.studies.get_study(db, study_id)
        protocol = study.protocol
        results = read_results(db, study_id, protocol)
    label = label if results.pairs is None else "jod"
    layout = lay_out(results.pictures, protocol.scale, label=label, min_ratings=min_ratings, seed=seed)
    if not layout.files:
        raise ExportError("No picture has the ratings that a data set needs; let people rate first.")
    columns = _Columns.of(protocol)
    try:
        (out / "data").mkdir(parents=True, exist_ok=True)
        for split, name in SPLITS.items():
            _write_split(layout, columns, split, name, data_dir, out / "data")
        tables = _write_tables(results, protocol, layout, out)
        (out / "README.md").write_text(_card(study.name, protocol, layout, columns, tables), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror or error}.") from error
    splits = {SPLITS[name]: count for name, count in layout.counts().items()}
    return HubDatasetReport(str(out), splits, layout.left_out)


def upload_hub_dataset(out: Path, repository: str, api: "HfApi | None" = None) -> str:
    """Upload a folder that `write_hub_dataset` wrote, to a private repository where it is new; return its name.

    Raises ExportError when the Hub refuses or cannot be reached.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    hub = api or HfApi()
    try:
        hub.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=out, repo_type="dataset", commit_message="A labelling study")
    except (HfHubHTTPError, HFValidationError, HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(f"{repository} cannot be written ({reason}); check HF_TOKEN and the name.") from error
    return repository


def _write_tables(results: StudyResults, protocol: StudyProtocol, layout: Layout, out: Path) -> list[ExportTable]:
    """Write the other tables of results, those that have rows, each to a file of its own; return which."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    written: list[ExportTable] = []
    for table, rows in results.tables(protocol, layout):
        if table.name in _PICTURES:
            continue
        kept: list[Row] = [{column: row[column] for column in table.columns} for row in rows]
        if kept:
            pq.write_table(pa.Table.from_pylist(kept), out / f"{table.name}.parquet")
            written.append(table)
    return written


def _write_split(layout: Layout, columns: _Columns, split: str, name: str, data_dir: Path, folder: Path) -> None:
    chosen = [picture for picture in layout.pictures if layout.files[picture.name].parts[0] == split]
    parts = [chosen[at : at + PICTURES_OF_A_FILE] for at in range(0, len(chosen), PICTURES_OF_A_FILE)]
    for number, part in enumerate(parts):
        _write_parquet(part, columns, layout.files, data_dir, folder / f"{name}-{number:05}-of-{len(parts):05}.parquet")


def _write_parquet(
    pictures: Sequence[LabelledStimulus],
    columns: _Columns,
    files: Mapping[str, PurePosixPath],
    data_dir: Path,
    path: Path,
) -> None:
    """Write pictures with their figures; the schema tells `datasets` that `image` holds pictures."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ExportError("Writing parquet needs the package pyarrow: pip install 'fiqa[parquet]'.") from None
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = columns.types()
    arrow = {"string": pa.string(), "float64": pa.float64(), "int64": pa.int64()}
    fields = [pa.field("image", image), *(pa.field(column, arrow[kind]) for column, kind in types.items())]
    features = {"image": {"_type": "Image"}} | {
        column: {"dtype": kind, "_type": "Value"} for column, kind in types.items()
    }
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    rows = [_row(picture, columns, files[picture.name].name, data_dir) for picture in pictures]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields, metadata=described)), path)


def _row(picture: LabelledStimulus, columns: _Columns, file: str, data_dir: Path) -> dict[str, Any]:
    path = stimulus_path(data_dir, picture.sha256, picture.format)
    if not path.exists() or path.stat().st_size != picture.size_bytes:
        raise ExportError(f"The picture {picture.name} is missing or damaged: {path}; put the file back.")
    figures = {name: picture.figures[name] for name in (*columns.numbers, *columns.counts)}
    texts = {"stimulus": picture.name, "source": picture.source, "condition": picture.condition}
    return {"image": {"bytes": path.read_bytes(), "path": file}, **texts, "sha256": picture.sha256, **figures}


def _card(name: str, protocol: StudyProtocol, layout: Layout, columns: _Columns, tables: Sequence[ExportTable]) -> str:
    """Return the card: front matter for the Hub, then what people need to know."""
    splits = [SPLITS[split] for split, count in layout.counts().items() if count]
    configured = "".join(f"  - split: {split}\n    path: data/{split}-*.parquet\n" for split in splits)
    others = "".join(f"- config_name: {each.name}\n  data_files: {each.name}.parquet\n" for each in tables)
    explained = "\n".join(_explained(protocol, columns))
    beside = "".join(f"\n## {each.name}\n\n{each.row_is}\n\n{_columns_table(each.columns)}" for each in tables)
    return (
        f"---\npretty_name: {json.dumps(name, ensure_ascii=False)}\ntags:\n- image-quality-assessment\n- mos\n"
        f"configs:\n- config_name: default\n  data_files:\n{configured}{others}---\n\n# {name}\n\n"
        f"How good people find {len(layout.pictures):,} pictures of faces: {_how_rated(protocol, layout)} Pictures of "
        "one source are in one split. Say here who may use the pictures for what, before you make this data set "
        f"public.\n\n| Column | What it says |\n|---|---|\n{explained}\n{beside}"
    )


def _how_rated(protocol: StudyProtocol, layout: Layout) -> str:
    if layout.label == "jod":
        answers = sum(picture.figures["comparisons"] for picture in layout.pictures) // 2
        return f"{counted(answers, 'answer')} to pairs of them, by paired comparison (ITU-T P.910)."
    ratings, scale = sum(picture.figures["ratings"] for picture in layout.pictures), protocol.scale
    how = f"by the method {protocol.method.upper()} of ITU-T P.910"
    return f"{counted(ratings, 'rating')}, {how}, from {scale.low:g}, the worst, to {scale.high:g}."


def _columns_table(columns: Mapping[str, str]) -> str:
    rows = "".join(f"| `{name}` | {says} |\n" for name, says in columns.items())
    return f"| Column | What it says |\n|---|---|\n{rows}"


def _explained(protocol: StudyProtocol, columns: _Columns) -> Iterator[str]:
    says = (SCALE if "jod" in columns.numbers else with_scales(MOS, protocol)).columns
    yield "| `image` | The picture, byte for byte as people rated it. |"
    yield from (f"| `{name}` | {says[name]} |" for name in columns.types())
