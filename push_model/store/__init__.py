"""Models on disk: written whole, checked when read, one champion."""
