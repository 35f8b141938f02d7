"""Organs, bones, vessels and muscles that published networks name, and which of their labels mean which structure."""

from __future__ import annotations

from functools import cache

from scanwright.tools.vocabulary.concept import Concept

VERTEBRAE: tuple[str, ...] = tuple(
    f"vertebra_{letter}{n}" for letter, count in {"c": 7, "t": 12, "l": 5}.items() for n in range(1, count + 1)
)

# Those that no other part of the vocabulary has. The lobes have no words yet: "left lower lobe" is asked of
# emphysema, too, where nothing answers by lobe.
ORGANS: tuple[Concept, ...] = (
    Concept("gallbladder", "gallbladder", "SCT.Gallbladder", ("gallbladder", "gall bladder")),
    Concept("stomach", "stomach", "SCT.Stomach", ("stomach", "gastric")),
    Concept("adrenal_gland", "adrenal gland", "SCT.AdrenalGland", ("adrenal gland", "adrenal glands", "adrenals"),
            paired=True),
    Concept("oesophagus", "oesophagus", "SCT.Esophagus", ("oesophagus", "esophagus", "gullet")),
    Concept("duodenum", "duodenum", "SCT.Duodenum", ("duodenum", "duodenal")),
    Concept("small_bowel", "small bowel", "SCT.SmallIntestine", ("small bowel", "small intestine")),
    Concept("colon", "colon", "SCT.Colon", ("colon", "large bowel", "large intestine")),
    Concept("thyroid", "thyroid gland", "SCT.Thyroid", ("thyroid", "thyroid gland")),
    Concept("kidney_cyst", "kidney cyst", None, ("kidney cyst", "kidney cysts", "renal cyst", "renal cysts"),
            paired=True),
    Concept("lung_upper_lobe", "upper lobe of the lung", "SCT.UpperLobeOfLung", ("upper lung lobe", "upper lung lobes"),
            paired=True),
    Concept("lung_middle_lobe", "middle lobe of the lung", "SCT.MiddleLobeOfRightLung", ("middle lung lobe",)),
    Concept("lung_lower_lobe", "lower lobe of the lung", "SCT.LowerLobeOfLung", ("lower lung lobe", "lower lung lobes"),
            paired=True),
    Concept("inferior_vena_cava", "inferior vena cava", "SCT.InferiorVenaCava", ("inferior vena cava", "ivc")),
    Concept("superior_vena_cava", "superior vena cava", "SCT.SuperiorVenaCava", ("superior vena cava", "svc")),
    Concept("portal_vein", "portal and splenic vein", "SCT.PortalVein",
            ("portal vein", "splenic vein", "portal and splenic vein")),
    Concept("pulmonary_vein", "pulmonary veins", "SCT.PulmonaryVein", ("pulmonary vein", "pulmonary veins")),
    Concept("iliac_artery", "iliac artery", "SCT.IliacArtery", ("iliac artery", "iliac arteries"), paired=True),
    Concept("iliac_vein", "iliac vein", "SCT.CommonIliacVein", ("iliac vein", "iliac veins"), paired=True),
    Concept("vertebrae", "vertebrae", "SCT.Vertebra", ("vertebrae", "vertebral bodies and arches", "vertebral column")),
    *(
        Concept(name, f"vertebra {name[9:].upper()}", f"SCT.{name[9:].upper()}Vertebra", (f"vertebra {name[9:]}",))
        for name in VERTEBRAE
    ),
    Concept("sacrum", "sacrum", "SCT.Sacrum", ("sacrum", "sacral bone")),
    Concept("rib", "ribs", "SCT.Rib", ("rib", "ribs", "rib cage"), paired=True),
    Concept("sternum", "sternum", "SCT.Sternum", ("sternum", "breastbone")),
    Concept("costal_cartilage", "costal cartilages", "SCT.CostalCartilage", ("costal cartilage", "costal cartilages")),
    Concept("clavicle", "clavicle", "SCT.Clavicle", ("clavicle", "clavicles", "collarbone"), paired=True),
    Concept("scapula", "scapula", "SCT.Scapula", ("scapula", "scapulae", "shoulder blade"), paired=True),
    Concept("humerus", "humerus", "SCT.Humerus", ("humerus", "humeri"), paired=True),
    Concept("hip_bone", "hip bone", None, ("hip bone", "hip bones", "pelvic bone", "pelvic bones"), paired=True),
    Concept("femur", "femur", "SCT.Femur", ("femur", "femora", "thigh bone"), paired=True),
    Concept("spinal_cord", "spinal cord", "SCT.SpinalCord", ("spinal cord",)),
    Concept("iliopsoas", "iliopsoas muscle", None, ("iliopsoas", "iliopsoas muscle", "iliopsoas muscles"), paired=True),
    Concept("back_muscle", "deep muscles of the back", None,
            ("back muscles", "deep back muscles", "autochthonous back muscles", "paraspinal muscles"), paired=True),
    Concept("gluteus_maximus", "gluteus maximus", None, ("gluteus maximus",), paired=True),
    Concept("gluteus_medius", "gluteus medius", None, ("gluteus medius",), paired=True),
    Concept("gluteus_minimus", "gluteus minimus", None, ("gluteus minimus",), paired=True),
)  # fmt: skip
# Those that the vocabulary has already.
_KNOWN_BEFORE = {
    "liver": False, "spleen": False, "kidney": True, "pancreas": False, "heart": False, "aorta": False,
    "bladder": False, "prostate": False,
}  # fmt: skip
# Every structure that a network of organs can be asked for, and those of them with a left and a right one.
ORGAN_STRUCTURES: tuple[str, ...] = (*_KNOWN_BEFORE, *(c.name for c in ORGANS))
PAIRED_ORGANS: frozenset[str] = frozenset(
    {c.name for c in ORGANS if c.paired} | {name for name, paired in _KNOWN_BEFORE.items() if paired}
)

# Names of published networks, lower case and without their side, that are not the vocabulary's own.
_OTHER_NAMES = {
    "urinary bladder": "bladder", "esophagus": "oesophagus", "thyroid gland": "thyroid", "clavicula": "clavicle",
    "small intestine": "small_bowel", "hip": "hip_bone", "autochthon": "back_muscle", "iliac vena": "iliac_vein",
    "portal vein and splenic vein": "portal_vein", "costal cartilages": "costal_cartilage",
    "postcava": "inferior_vena_cava", "adrenal": "adrenal_gland", "kidneys": "kidney", "ribs": "rib",
    "vertebra": "vertebrae",
}  # fmt: skip


@cache
def meaning(label: str) -> tuple[tuple[str, str], ...]:
    """The structures that a network's label is, or is a part of, each with its side: "left", "right" or "whole".

    "kidney_left" is the left kidney, "rib_right_7" a part of the right ribs, "vertebrae_L3" the vertebra L3 and a
    part of the vertebrae. Empty where the vocabulary has no such structure.
    """
    words = label.lower().replace("_", " ").replace("-", " ").split()
    sides = [w for w in words if w in ("left", "right")]
    rest = [w for w in words if w not in ("left", "right")]
    side = sides[0] if len(sides) == 1 else "whole"
    if not rest or len(sides) > 1:
        return ()
    if rest[0] in ("vertebra", "vertebrae") and len(rest) == 2:
        own = f"vertebra_{rest[1]}"
        return ((own, "whole"), ("vertebrae", "whole")) if own in VERTEBRAE else (("vertebrae", "whole"),)
    if rest[0] == "rib" and len(rest) == 2 and rest[1].isdigit():
        rest = ["rib"]
    name = " ".join(rest)
    name = _OTHER_NAMES.get(name, name.replace(" ", "_"))
    if name == "lung_middle_lobe":
        side = "whole"
    if name not in ORGAN_STRUCTURES or (side != "whole" and name not in PAIRED_ORGANS):
        return ()
    return ((name, side),)
