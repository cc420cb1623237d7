"""What a tab shows while it works."""


def busy_panel(count: int, *, is_loaded: bool) -> str:
    """Say that work has begun, and why the very first score takes longer."""
    photos = "photo" if count == 1 else f"{count} photos"
    headline = f"Looking at your {photos}…" if is_loaded else "Getting ready…"
    hint = "" if is_loaded else "<p>The first score after a start takes a few seconds longer.</p>"
    return panel("busy", f'<p class="headline">{headline}</p>{hint}<div class="progress"><i></i></div>', live=True)


def progress_panel(done: int, count: int) -> str:
    """Say how far a batch is."""
    return panel(
        "busy",
        f'<p class="headline">{done} of {count} photos scored</p>'
        f'<div class="progress"><i class="known" style="width:{100 * done / count:.1f}%"></i></div>',
        live=True,
    )


def panel(kind: str, content: str, *, live: bool = False) -> str:
    return f'<section class="panel {kind}"{" role=status" if live else ""}>{content}</section>'
