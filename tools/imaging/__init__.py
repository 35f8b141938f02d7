"""Imaging I/O: files in, images with their geometry out; originals are never modified."""
