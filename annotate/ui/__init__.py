"""The pages of labelling: one `build_…_tab()` per tab, and what stands behind them."""
