"""The Degradation tab: `tab` connects it, `atlases` gets atlases ready, `panels` draws what it shows."""
