"""Turn numbers into pictures, tables and pages."""
