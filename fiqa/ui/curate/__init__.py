"""The tab Curate: many photos in, keep, maybe and drop out, while the threshold is moved.

Photos are scored once (`tab`, in turn with the other tabs), and their facts kept for minutes (`state`). Every change of
a rule then sorts the facts anew with `fiqa.curation.rules`, as the command line does, and sends verdicts alone: the
small pictures are on the page already, and `sheet.js` moves them. A clip has its own place below (`clips`).
"""
