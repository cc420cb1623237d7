"""What is trained on: labelled photos, rendered views, drawn scenes. Imports `fiqa` and `training.storage`."""
