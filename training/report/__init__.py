"""What came of it: agreement with labels, drawings, tables, checkpoints to publish. Imports `data` and `fit`."""
