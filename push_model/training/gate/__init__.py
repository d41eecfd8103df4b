"""The gate: does a challenger go live?"""
