"""The Score tab: `tab` connects it, `panels` and `tables` draw what it shows."""
