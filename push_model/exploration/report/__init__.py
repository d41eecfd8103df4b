"""What did an exploration find? A report for sales and for data scientists, on one page.

`reading.py` reads the results, one file a section says them in words, tables and pictures, and
`writing.py` writes that down; every number is computed from what the exploration's folder holds.
"""

from push_model.exploration.report.writing import write_report

__all__ = ["write_report"]
