"""What the name of a folder says about what lies in it, besides the name of a class.

Names are only hints: what they mean is decided with where the folders lie (class_folders.py).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from core.dataset.manifest import Part

_SPLIT: dict[str, Part] = {
    **dict.fromkeys(
        ("train", "training", "trn", "trainval", "tr", "treino", "treinamento", "entrenamiento"),
        "train",
    ),
    **dict.fromkeys(("entrainement", "apprentissage", "trainieren", "训练", "訓練"), "train"),
    **dict.fromkeys(
        ("val", "valid", "validate", "validation", "validating", "dev", "eval", "evaluation"), "val"
    ),
    **dict.fromkeys(("validierung", "validacao", "validacion", "vali", "验证", "驗證"), "val"),
    **dict.fromkeys(
        ("test", "testing", "tests", "tst", "holdout", "heldout", "teste", "prueba", "测试"), "test"
    ),
    "測試": "test",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILLER = _words(
    "set sets data dataset datasets image images img imgs pic pics picture pictures photo photos "
    "photograph photographs split splits folder folders dir directory part parts portion subset "
    "subsets file files jpg jpeg png copy daten bilder 集"
)
"""Words that say nothing about what the images show."""
_CONTAINERS = _FILLER | _words(
    "batch batches chunk chunks shard shards fold folds root upload uploads download downloads "
    "export exports archive archives session sessions camera zip release version input backup "
    "bak all new untitled ordner dossier"
)
"""Words for a mere container, or for a part of something."""
_BESIDE_SPLITS = _FILLER | _words(
    "class classes category categories labelled labeled sample samples all full new final the of "
    "and by stage phase version v"
)
_UNLABELLED = re.compile(
    r"(un|non|not)(labell?ed|annotated|sorted|classified|categori[sz]ed|tagged|assigned)"
    r"|(to|needs?)(be)?(label|labels|labell?ed|annotate|sort)"
    r"|(no|without|missing|sans|ohne)(labels?|class|classes|annotations?|label)"
    r"|unsup(ervised)?|single(prediction|pred)s?"
    r"|(to)?(pred|predict|predictions?|inference|infer)|submissions?"
)
_MASKS = re.compile(
    r"(ground ?truth|gt|annotation|segmentation|binary)? ?(masks?|labels?)"
    r"|ground ?truths?|gt|annotations?|segmentations?"
)
_ASIDE = _words(
    "doc docs documentation readme figure figures fig figs asset assets static media screenshot "
    "screenshots preview previews thumbnail thumbnails thumbs icon icons logo logos banner plot "
    "plots chart charts result results output outputs notebook notebooks script scripts src code "
    "paper demo example examples github wiki license licence meta metadata misc cover website "
    "viz visualization visualisation"
)
_VARIANTS = _words(
    "color colour colored coloured colors colours gray grey grayscale greyscale bw black white rgb "
    "hsv lab mono monochrome segmented segmentation segment seg raw original originals orig "
    "augmented augmentation augmentations aug resized resize scaled cropped crop crops uncropped "
    "masked unmasked processed preprocessed unprocessed enhanced normalized normalised noisy "
    "denoised blurred sharpened background backgrounds bg nobg foreground small medium large thumb "
    "hires lores highres lowres hr lr px size square padded rotated flipped mirrored edges edge "
    "clahe equalized equalised with without no low high res resolution quality dpi compressed "
    "uncompressed filtered unfiltered x"
)
_VARIANT_ENDING = re.compile(rf"([\s_.-]+(final|{'|'.join(sorted(_VARIANTS))}))+$")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINED = re.compile(
    r"(train(?:ing)?|val(?:id(?:ation)?)?|dev|eval|test(?:ing)?|训练|訓練|验证|驗證|测试|測試)"
    r"(sets?|data|datasets?|images?|imgs?|folders?|split|daten|集)?"
)


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name: `seg_Train` → seg, train; `TestSet2` → test, set, 2."""
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", unicodedata.normalize("NFC", name)))
    plain = "".join(each for each in plain if not unicodedata.combining(each)).casefold()
    plain = unicodedata.normalize("NFC", plain)
    found: list[str] = []
    for word in _WORD.findall(plain):
        joined = _JOINED.fullmatch(word)
        found += filter(None, joined.groups()) if joined and word not in _SPLIT else [word]
    return tuple(found)


@cache
def split_part(name: str) -> tuple[Part, tuple[str, ...]] | None:
    """The part of a split that a folder names, and its words that have to do with neither.

    `Test Images (2)` → test and nothing else; `seg_train` → train and `seg`.
    """
    own = words(name)
    parts = {_SPLIT[word] for word in own if word in _SPLIT}
    if len(parts) == 2 and "test" not in parts and own[0] in _SPLIT:
        parts = {"train"}  # “train_val”: what is not the test
    if len(parts) != 1:
        return None
    rest = (w for w in own if w not in _SPLIT and w not in _BESIDE_SPLITS and not w.isdigit())
    return parts.pop(), tuple(rest)


def split_parts(names: Collection[str]) -> dict[str, Part]:
    """Which of the folders beside one another are called like parts of a split.

    Other words count when folders for two parts share them (seg_train, seg_test): a “bullet train”
    is a class.
    """
    read = {name: found for name in names if (found := split_part(name))}
    shared: dict[tuple[str, ...], set[Part]] = {}
    for part, rest in read.values():
        shared.setdefault(rest, set()).add(part)
    kin = {rest for rest, parts in shared.items() if len(parts) > 1}
    return {name: part for name, (part, rest) in read.items() if not rest or rest in kin}


def rest_of_splits(names: Iterable[str]) -> set[tuple[str, ...]]:
    """The words that the names of parts share besides: ("seg",) of seg_train."""
    return {found[1] for name in names if (found := split_part(name)) and found[1]}


@cache
def means_no_class(name: str, shared: frozenset[tuple[str, ...]] = frozenset()) -> bool:
    """Whether a folder is called like one for images without a class.

    `shared` are words that it has in common with parts of a split: seg_pred beside seg_train.
    """
    own = [word for word in words(name) if word not in _FILLER and not word.isdigit()]
    joined = "".join(word for word in words(name) if not word.isdigit())
    if _UNLABELLED.fullmatch(joined) or (own and _UNLABELLED.fullmatch("".join(own))):
        return True
    for rest in shared:
        left = "".join(word for word in own if word not in rest)
        if left != "".join(own) and _UNLABELLED.fullmatch(left):
            return True
    return False


@cache
def means_masks(name: str) -> bool:
    """Whether a folder is called like one for masks of other images."""
    return bool(_MASKS.fullmatch(" ".join(word for word in words(name) if not word.isdigit())))


@cache
def means_aside(name: str) -> bool:
    """Whether a folder is called like what lies beside a dataset: figures, screenshots."""
    own = words(name)
    return any(word in _ASIDE for word in own) and all(
        word in _ASIDE or word in _FILLER or word.isdigit() for word in own
    )


@cache
def means_container(name: str) -> bool:
    """Whether a folder is called like a mere container or a part of something: batch2, images."""
    own = words(name)
    return any(not word.isdigit() for word in own) and all(
        word in _CONTAINERS or word in _SPLIT or word.isdigit() for word in own
    )


@cache
def means_variant(name: str) -> bool:
    """Whether a folder is called like one form of the same images: grayscale, 224x224."""
    own = words(name)
    return any(word in _VARIANTS for word in own) and all(
        word in _VARIANTS or word in _FILLER or word.isdigit() for word in own
    )


def are_numbered_parts(names: Collection[str]) -> bool:
    """Whether folders differ in a number or a letter alone and are called parts of something:
    HAM10000_images_part_1 and HAM10000_images_part_2."""
    if len(names) < 2:
        return False
    stems = {tuple(word for word in words(name)[:-1]) for name in names}
    ends = [words(name)[-1:] for name in names]
    if len(stems) != 1 or not all(end and (end[0].isdigit() or len(end[0]) == 1) for end in ends):
        return False
    return any(word in _CONTAINERS for word in next(iter(stems)))


def folded(name: str) -> str:
    """What is left of a name when upper and lower case do not matter."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def spelled_alike(names: Iterable[str]) -> list[str]:
    """Those of the names that differ from another in case, spaces or underscores alone."""
    read: dict[str, list[str]] = {}
    for name in {unicodedata.normalize("NFC", name).strip() for name in names}:
        read.setdefault(re.sub(r"[\s_-]+", "", folded(name)), []).append(name)
    return sorted(name for same in read.values() if len(same) > 1 for name in same)


def spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Name → the most frequent of those that differ only in upper and lower case."""
    best: dict[str, str] = {}
    for name in sorted(counts, key=lambda each: (-counts[each], each)):
        best.setdefault(folded(name), name)
    return {name: best[folded(name)] for name in counts}


def without_variant(stem: str) -> str:
    """A file's name without words for a variant at its end: `leaf12_final_masked` → `leaf12`."""
    return _VARIANT_ENDING.sub("", stem.casefold())
