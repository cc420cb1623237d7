"""What stands between the page and the network: launch options, limits, clean-up, counters.

Imports `fiqa.ui` alone. A new limit belongs into `gate`.
"""
