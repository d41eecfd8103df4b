"""The report of an exploration: one page for a lead and for sales, and a folded appendix.

`page.jinja` and `appendix.jinja` hold the words, `found.py` the numbers, `tables.py` and
`figures.py` show them, and `pages.py` writes HTML, Markdown and pictures.
"""
