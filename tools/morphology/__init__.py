"""Shapes of voxel sets: parts, growing and shrinking in millimetres, what is outside and what is inside."""
