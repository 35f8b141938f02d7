"""Flat images: microscope slides, tiles and photographs."""
