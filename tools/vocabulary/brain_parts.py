"""Parts of the brain."""

from __future__ import annotations

from scanwright.tools.vocabulary.concept import Concept

BRAIN_PARTS: tuple[Concept, ...] = (
    Concept("hippocampus", "hippocampus", "SCT.Hippocampus", ("hippocampus", "hippocampi", "hippocampal"), paired=True),
    Concept(
        "lateral_ventricle",
        "lateral ventricles",
        "SCT.LateralVentricle",
        ("ventricle", "ventricles", "lateral ventricle", "lateral ventricles"),
    ),
    Concept(
        "ventricular_system",
        "ventricular system",
        "SCT.BrainVentricle",
        ("ventricular system", "all ventricles", "all ventricles together", "whole ventricular system"),
    ),
    Concept("third_ventricle", "third ventricle", "SCT.ThirdVentricle", ("third ventricle", "3rd ventricle")),
    Concept("fourth_ventricle", "fourth ventricle", "SCT.FourthVentricle", ("fourth ventricle", "4th ventricle")),
    Concept("grey_matter", "grey matter", "SCT.GrayMatter", ("grey matter", "gray matter", "cortex", "cortical grey")),
    Concept("white_matter", "white matter", "SCT.WhiteMatter", ("white matter",)),
    Concept(
        "cerebral_cortex",
        "cerebral cortex",
        "SCT.CerebralCortex",
        ("cerebral cortex", "cerebral grey matter", "cerebral gray matter"),
    ),
    Concept("cerebral_white_matter", "cerebral white matter", "SCT.CerebralWhiteMatter", ("cerebral white matter",)),
    Concept("cerebellum", "cerebellum", "SCT.Cerebellum", ("cerebellum", "cerebellar")),
    Concept("cerebellar_cortex", "cerebellar cortex", "SCT.CerebellarCortex", ("cerebellar cortex",)),
    Concept(
        "cerebellar_white_matter", "cerebellar white matter", "SCT.CerebellarWhiteMatter", ("cerebellar white matter",)
    ),
    Concept("thalamus", "thalamus", "SCT.Thalamus", ("thalamus", "thalami", "thalamic"), paired=True),
    Concept(
        "caudate",
        "caudate nucleus",
        "SCT.CaudateNucleus",
        ("caudate nucleus", "caudate nuclei", "caudate"),
        paired=True,
    ),
    Concept("putamen", "putamen", "SCT.Putamen", ("putamen", "putamina"), paired=True),
    Concept(
        "pallidum",
        "globus pallidus",
        "SCT.GlobusPallidus",
        ("pallidum", "pallida", "globus pallidus", "globi pallidi"),
        paired=True,
    ),
    Concept(
        "accumbens",
        "nucleus accumbens",
        "SCT.NucleusAccumbens",
        ("accumbens", "nucleus accumbens", "accumbens area", "nuclei accumbentes"),
        paired=True,
    ),
    Concept("amygdala", "amygdala", "SCT.Amygdala", ("amygdala", "amygdalae", "amygdalas"), paired=True),
    Concept("brain_stem", "brain stem", "SCT.BrainStem", ("brain stem", "brainstem")),
    Concept("ventral_diencephalon", "ventral diencephalon", None, ("ventral diencephalon", "ventral dc")),
    Concept("corpus_callosum", "corpus callosum", "SCT.CorpusCallosum", ("corpus callosum", "callosum")),
)
