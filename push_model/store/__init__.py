"""Models on disk: written whole, vouched for, one champion."""
