"""What the maps of the face detector are measured in; without torch, for those who read maps from elsewhere."""

STRIDE = 8
"""Pixels a side of a cell."""
SMALLEST_PX, LARGEST_PX = 14, 128
"""Longer sides of the faces that the network answers for."""
BOX_UNIT_PX = 32.0
"""Box sides are predicted as logarithms of this length, the middle of the range."""
