"""The pages of the app: one `build_…_tab()` per tab, and what they share."""
