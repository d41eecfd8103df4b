"""What should a person know of a model before trusting it? Its model card, for eyes and for diffs.

`evaluation.py` measures, `content.py` says it in words, tables and pictures, `page.py` and
`markdown.py` write that down.
"""
