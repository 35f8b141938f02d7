"""Quantities and other outputs: what can be meant by `want` in a goal."""

from __future__ import annotations

from scanwright.tools.vocabulary.concept import Concept

QUANTITIES: dict[str, Concept] = {
    c.name: c
    for c in (
        Concept("volume", "volume", "SCT.Volume"),
        Concept("volume_fraction", "share of the volume"),
        Concept("surface_area", "surface area", "SCT.Area"),
        Concept("longest_diameter", "longest diameter in 3D", "SCT.LongAxis"),
        Concept("longest_axial_diameter", "longest axial diameter (RECIST)", "SCT.LongAxis"),
        Concept("axial_diameters", "longest diameter on each axial slice", "SCT.LongAxis"),
        Concept("bounding_box", "bounding box"),
        Concept("component_count", "number of separate parts"),
        Concept("component_volumes", "sizes of the separate parts"),
        Concept("mean_intensity", "mean intensity", "SCT.Mean"),
        Concept("sd_intensity", "standard deviation of the intensity", "SCT.StandardDeviation"),
        Concept("median_intensity", "median intensity", "SCT.Median"),
        Concept("minimum_intensity", "lowest intensity", "SCT.Minimum"),
        Concept("maximum_intensity", "highest intensity", "SCT.Maximum"),
        Concept("intensity_percentiles", "5th and 95th percentile of the intensity"),
        Concept("intensity_at_point", "intensity at the point"),
        Concept("asymmetry_index", "left–right asymmetry index"),
        Concept("emphysema_index", "emphysema index (LAA-950)"),
        Concept("area_at_level", "cross-sectional area at the level", "SCT.Area"),
        Concept("dimensions", "matrix size"),
        Concept("spacing", "voxel spacing"),
        Concept("field_of_view", "field of view"),
        Concept("modality", "modality"),
        Concept("body_part", "body part"),
        Concept("orientation", "orientation of the array"),
        Concept("mask", "mask"),
        Concept("labelmap", "label map"),
        Concept("plane", "plane"),
        Concept("overlay", "picture with the contour"),
        Concept("mask_nifti", "mask as NIfTI"),
        Concept("surface_stl", "surface as STL"),
        Concept("table_csv", "table as CSV"),
        Concept("volume_change", "change of volume between two exams"),
    )
}
