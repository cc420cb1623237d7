"""The rules of CONTRIBUTING.md that ruff cannot check; who may import whom is in pyproject.toml, for import-linter."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("annotate", "fiqa", "fiqa_app", "training")
HEAVY = {"accelerate", "face_alignment", "piq", "timm", "torch", "torchvision"}
MOST_LINES, MOST_FUNCTION_LINES = 450, 60
VAGUE = {"common", "helper", "helpers", "misc", "tools", "util", "utils"}
SIDE_EFFECTS = {
    "create_engine", "getenv", "hf_hub_download", "is_available", "launch", "load_library", "load_predictor",
    "makedirs", "manual_seed", "mkdir", "parse_args", "set_num_threads", "snapshot_download", "urlopen", "urlretrieve",
}  # fmt: skip
UNPICKLERS = {"pickle.load", "pickle.loads", "pickle.Unpickler"}
TORCH_LOADERS = {"torch.load", "torch.hub.load_state_dict_from_url"}


def module_name(path: Path) -> str:
    """Return the dotted name, without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


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


def calls(nodes: Iterator[ast.AST]) -> Iterator[ast.Call]:
    return (node for node in nodes if isinstance(node, ast.Call))


def test_every_room_imports_only_what_it_may() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_room_says_what_lives_there() -> None:
    rooms = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert not [room for room in rooms if not ast.get_docstring(tree(room))]


def test_queries_are_written_in_their_room_only() -> None:
    """Others pass a session or a connection on, and name it as a type."""
    offenders = [
        f"{module}: {alias.name}"
        for module in MODULES
        if not module.startswith(("annotate.queries", "annotate.database"))
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy"
        for alias in node.names
        if alias.name not in {"Connection", "Session"}
    ]
    assert not offenders


@pytest.mark.slow
def test_page_and_command_lines_start_without_torch() -> None:
    names = [name for name in MODULES if name.startswith(("fiqa.ui", "fiqa_app"))] + ["app", "fiqa.__main__"]
    code = f"import {', '.join(names)}, sys; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_nothing_happens_at_import() -> None:
    offenders = []
    for module in MODULES:
        names = {
            call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
            for call in calls(at_import(tree(module)))
        }
        offenders += [f"{module}: {name}" for name in names & SIDE_EFFECTS]
    assert not offenders


def test_weights_are_never_unpickled() -> None:
    offenders = []
    for module in MODULES:
        for call in calls(ast.walk(tree(module))):
            name = ast.unparse(call.func)
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if name in UNPICKLERS or (name in TORCH_LOADERS and options.get("weights_only") != "True"):
                offenders.append(f"{module}:{call.lineno}: {name}")
    assert not offenders


def test_unpickling_is_called_by_its_full_name_so_that_it_is_seen() -> None:
    for module in MODULES:
        names = {name for node in ast.walk(tree(module)) for name in imported(node)}
        assert not names & (UNPICKLERS | TORCH_LOADERS), module
        assert not {name.split(".")[0] for name in names} & {"cloudpickle", "dill", "joblib"}, module


def test_modules_are_named_after_what_they_hold() -> None:
    assert not {name for name in MODULES if name.split(".")[-1] in VAGUE}


def test_files_and_functions_stay_short() -> None:
    files = [*MODULES.values(), *(path for folder in ("benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))]
    assert not [str(path) for path in files if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    functions = [
        (module, node)
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f"{module}.{node.name}" for module, node in functions if lines_of(node) > MOST_FUNCTION_LINES]
    assert not long


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
