"""What a study asks, as plain data: the protocol, the scales, the kinds of item, and what participants read.

Imports nothing of the package but its errors. A new scale: a row in `scales.SCALES`. A new
language: a file in `languages`.
"""
