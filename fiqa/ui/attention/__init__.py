"""The Attention tab: `tab` connects it, `inspection` finds out about a face, `panels` draws it."""
