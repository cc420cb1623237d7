"""The rules of CONTRIBUTING.md, checked by reading the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("fiqa", "annotate", "training")
HEAVY = {"accelerate", "face_alignment", "piq", "timm", "torch", "torchvision"}
SERVED_FAST = ("app", "fiqa", "fiqa.ui", "fiqa.results", "fiqa.images", "fiqa.degradations", "fiqa.__main__")
SIDE_EFFECTS = {
    "create_engine", "getenv", "hf_hub_download", "is_available", "launch", "load_library", "load_predictor",
    "makedirs", "manual_seed", "mkdir", "parse_args", "set_num_threads", "snapshot_download", "urlopen", "urlretrieve",
}  # fmt: skip


def sources() -> list[Path]:
    """Every Python file of the product: no tests, no tools."""
    files = [ROOT / "app.py"] if (ROOT / "app.py").exists() else []
    return files + sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name, without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sources()}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imported(node: ast.AST) -> list[str]:
    """Return the dotted names that one statement imports; `from a import b` may mean the module a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def all_imports(module: str) -> set[str]:
    """Names imported anywhere in the module, in functions too."""
    return {name for node in ast.walk(tree(module)) for name in imported(node)}


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when the module is imported: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and (
            "TYPE_CHECKING" in ast.unparse(child.test) or "__name__" in ast.unparse(child.test)
        ):
            continue
        yield child
        yield from at_import(child)


def with_parents(name: str) -> list[str]:
    """Importing a.b.c imports a and a.b as well."""
    parts = name.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


def loaded_with(module: str) -> set[str]:
    """Return every name, ours and foreign, that importing the module imports."""
    found: set[str] = set()
    waiting = with_parents(module)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in MODULES:
            names = [each for node in at_import(tree(name)) for each in imported(node)]
            waiting += [parent for each in names for parent in with_parents(each)]
    return found


def top_levels(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def fast_modules() -> list[str]:
    return [name for name in MODULES if name in SERVED_FAST or name.startswith("fiqa.ui.")]


@pytest.mark.parametrize("module", MODULES)
def test_packages_import_only_what_they_may(module: str) -> None:
    allowed = {
        "app": {"fiqa", "annotate"},
        "fiqa": {"fiqa"},
        "annotate": {"annotate"},
        "training": {"training", "fiqa"},
    }
    package = module.split(".")[0]
    assert top_levels(all_imports(module)) & {"app", *PACKAGES} <= allowed[package]


@pytest.mark.parametrize("module", MODULES)
def test_gradio_stays_in_the_app_and_its_tabs(module: str) -> None:
    if module != "app" and not module.startswith(("fiqa.ui", "annotate.ui")):
        assert not top_levels(all_imports(module)) & {"gradio", "gradio_client"}


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("fiqa.ui")])
def test_only_the_app_and_the_tabs_import_the_tabs(module: str) -> None:
    if module != "app":
        assert not {name for name in all_imports(module) if name.startswith("fiqa.ui")}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("fiqa.models")])
def test_networks_know_neither_predictor_nor_builder(module: str) -> None:
    above = {"fiqa.predictor", "fiqa.checkpoints", "fiqa.loading", "fiqa.fetching", "fiqa.faces", "fiqa.images"}
    assert not all_imports(module) & above


def test_what_is_built_does_not_know_its_builder() -> None:
    built = ("fiqa.predictor", "fiqa.checkpoints", "fiqa.fetching", "fiqa.faces", "fiqa.attention", "fiqa.atlas")
    assert not [name for name in built if "fiqa.loading" in all_imports(name)]
    assert "fiqa.predictor" not in all_imports("fiqa.checkpoints")


@pytest.mark.parametrize("module", MODULES)
def test_database_stays_in_annotate_and_torch_outside_it(module: str) -> None:
    names = top_levels(all_imports(module))
    if module.startswith("annotate"):
        assert not names & HEAVY
    if not module.startswith("annotate") or module.startswith("annotate.ui"):
        assert "sqlalchemy" not in names


@pytest.mark.parametrize("module", fast_modules())
def test_page_and_command_line_start_without_torch(module: str) -> None:
    assert not top_levels(loaded_with(module)) & HEAVY


def test_starting_does_not_load_torch_through_another_library() -> None:
    names = [name for name in fast_modules() if name != "app"] + ["app"] * ("app" in MODULES)
    code = f"import {', '.join(names)}, sys; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("module", MODULES)
def test_nothing_happens_at_import(module: str) -> None:
    calls = [node.func for node in at_import(tree(module)) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else ast.unparse(call) for call in calls}
    assert not names & SIDE_EFFECTS


@pytest.mark.parametrize("module", MODULES)
def test_weights_are_never_unpickled(module: str) -> None:
    for call in (node for node in ast.walk(tree(module)) if isinstance(node, ast.Call)):
        name, where = ast.unparse(call.func), f"{module}:{call.lineno}"
        if name in {"torch.load", "torch.hub.load_state_dict_from_url"}:
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert options.get("weights_only") == "True", where
        assert name not in {"pickle.load", "pickle.loads", "pickle.Unpickler"}, where
    aliased = {"torch.load", "torch.hub.load_state_dict_from_url", "pickle.load", "pickle.loads", "pickle.Unpickler"}
    assert not all_imports(module) & aliased, "call it by its full name, so that this test can see it"
    assert not top_levels(all_imports(module)) & {"cloudpickle", "dill", "joblib"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_named_after_what_they_hold(module: str) -> None:
    assert module.split(".")[-1] not in {"common", "helper", "helpers", "misc", "tools", "util", "utils"}


@pytest.mark.parametrize("module", MODULES)
def test_functions_stay_short(module: str) -> None:
    functions = [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or node.lineno) - node.lineno >= 60]
    assert not long
