"""How it is trained: the loop, losses, heads, what a training starts from. Imports `training.data`."""
