"""The command `fiqa serve`: the app, or a static page that scores in the browser."""

import argparse

from fiqa.errors import FiqaError, SettingError
from fiqa.export_command import add_runtime_option


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument(
        "--static", action="store_true", help="serve one page instead, which scores in the browser and sends nothing"
    )
    add_runtime_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until told to end; raise FiqaError where that cannot be."""
    return _serve_page(options) if options.static else _serve_app()


def _serve_app() -> int:
    try:
        from fiqa_app.main import main as serve
    except ModuleNotFoundError as error:
        raise SettingError(
            f"The app needs more than the library ({error.name} is missing): pip install 'fiqa[annotate,app]'."
        ) from error
    status = serve()
    if isinstance(status, str):
        raise FiqaError(status)
    return status


def _serve_page(options: argparse.Namespace) -> int:
    from fiqa.in_browser.building import kept_page
    from fiqa.in_browser.serving import serve

    serve(kept_page(options.settings.checkpoint, runtime=options.runtime), options.settings)
    return 0
