"""The report of an exploration: one page for a lead and for sales, and an appendix.

`found.py` reads the results, `page.jinja` holds the words, `appendix.py` the tables and pictures
behind them, and `pages.py` writes HTML, Markdown and pictures.
"""

from push_model.exploration.report.pages import write_report

__all__ = ["write_report"]
