"""Photos as arrays: decode untrusted files safely, align a face upright, cut crops. No network.

Imports nothing of the package but its errors. A new file format: a row in `images.FORMATS`.
"""
