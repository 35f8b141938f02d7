"""Weights: named, pinned by SHA-256, with their licence; found in a package, a folder, or fetched."""
