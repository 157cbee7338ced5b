"""Which kind of image a file is by its first bytes, and what to say of a file that is none.

This file is part of every exported model too: it needs nothing but Python.
"""

import glob
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

HEAD = 512
"""Bytes from the start of a file that tell its format."""
_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
)
_IMAGES = re.compile(
    r"\.(jpe?g|jpe|jfif|png|webp|avif|gif|bmp|dib|tiff?|heic|heif|hif|p[bgpnf]m|jp2|j2k|jpx|j2c"
    r"|dng|cr[23w]|nef|arw|orf|rw2|raf|pef|srw|dcm)",
    re.IGNORECASE,
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_PPM = re.compile(rb"P[1-6]\s+(#|\d)|Pf\s+\d")
"""PBM, PGM, PPM and grey PFM; a word or a table may begin with these letters, but not so."""

CAMERA_RAW = (
    "This is a camera raw file (such as DNG, CR2, NEF or ARW): export it as JPEG or TIFF and "
    "add that."
)
_OFFLINE = (
    "The file is empty (0 bytes). If it is in OneDrive, Dropbox, iCloud or Google Drive, make "
    "it available offline; otherwise copy it again."
)
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\x00", b"FOVb", b"\x00MRM")
_NAMED_STARTS = (
    (b"%PDF", "This is a PDF: save its pages as JPEG or PNG and add those."),
    (b"8BPS", "This is a Photoshop file: save it as JPEG or PNG and add that."),
    (b"\xff\x0a", "This is a JPEG XL image, which cannot be read here: save it as JPEG or PNG."),
    (
        b"\x00\x00\x00\x0cJXL ",
        "This is a JPEG XL image, which cannot be read here: save it as JPEG or PNG.",
    ),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "This is a Windows shortcut: add the image it leads to."),
    (b"[InternetShortcut]", "This is a shortcut to a web page: save the image and add that."),
    (b"book\x00\x00\x00\x00mark", "This is a macOS alias: add the image it leads to."),
    (
        b"version https://git-lfs",
        "This is a Git LFS pointer, not the image itself: run “git lfs pull” and add the "
        "folder again.",
    ),
    (
        b"SIMPLE  =",
        "This is a FITS file, which cannot be read here: save its images as 16-bit TIFF or PNG.",
    ),
    (
        b"v/1\x01",
        "This is an OpenEXR image, which cannot be read here: save it as TIFF or PNG.",
    ),
    (
        b"\x89HDF\r\n\x1a\n",
        "This is an HDF5 file, which cannot be read here: save its images as TIFF or PNG.",
    ),
    (
        b"\x93NUMPY",
        "This is a NumPy array, which cannot be read here: save its images as TIFF or PNG.",
    ),
)
_DICOM = (
    "This is a DICOM file, which cannot be read here: export it as 16-bit PNG or TIFF (for "
    "example with 3D Slicer, Horos or MicroDicom) and add that."
)
NIFTI = (
    "This is a NIfTI volume, which cannot be read here: export its slices as PNG or TIFF (for "
    "example with 3D Slicer) and add those."
)
_VIDEO = "This is a video: save single frames as JPEG or PNG and add those."
_LINK_TEXT = re.compile(rb"(\.\.?/)+[^\x00\n\r]{1,400}")


def kind_of(head: bytes) -> str | None:
    """The image format that a file's first bytes announce; None when they announce none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        return "HEIF" if brand in _HEIF_BRANDS else None
    if _PPM.match(head):
        return "PPM"
    if head[8:10] == b"CR" and head[:2] == b"II":
        return None
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def may_be_text(kind: str | None) -> bool:
    """Whether a text may begin with the same letters as an image of this kind."""
    return kind in (None, "BMP", "PPM")


def what_else(head: bytes) -> str:
    """Why a file with these first bytes is no image, with the remedy."""
    if not head:
        return _OFFLINE
    if not head.strip(b"\x00") and len(head) >= 16:
        return "The file contains only zeros: it was not copied in full. Copy it again."
    for start, sentence in _NAMED_STARTS:
        if head.startswith(start):
            return sentence
    if head.startswith(_RAW_STARTS) or head[8:10] == b"CR" or head[4:11] == b"ftypcrx":
        return CAMERA_RAW
    if head[128:132] == b"DICM":
        return _DICOM
    if head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2":
        return NIFTI
    if head[4:8] == b"ftyp" or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF"):
        return _VIDEO
    return _text(head) or (
        "This is not an image of a known kind (JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, HEIC, "
        "JPEG 2000, PGM): save it as one of them or leave it out."
    )


def _text(head: bytes) -> str:
    """What to say of a text; empty for anything else."""
    if head.lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<html", b"<!doc"):
        return "This is a drawing or page in text form (SVG, HTML): save it as PNG first."
    if b"\x00" in head:
        return ""
    if _LINK_TEXT.fullmatch(head.strip()):
        return (
            "This is a link to an image, copied as text: copy the folder again with links "
            "followed (for example cp -L, or a ZIP of it)."
        )
    if b'"doc_id"' in head or b"docs.google.com" in head:
        return "This is a link to a Google document: download the image and add that."
    return "This is text, not an image: leave it out, or add the image itself."


_DNG_VERSION, _SUBFILE, _SUB_IFDS, _PHOTOMETRIC = 50706, 254, 330, 262
_SENSOR = (32803, 34892)
"""Photometric values of what a sensor measured: a colour filter array, and linear raw."""


def is_camera_raw(tag: Callable[[int], Any]) -> bool:
    """Whether the first directory of a TIFF, asked by the number of a tag, is that of a camera raw
    file: its own pixels are then a sensor's, or a mere preview."""
    if tag(_DNG_VERSION) is not None or tag(_PHOTOMETRIC) in _SENSOR:
        return True
    kind = tag(_SUBFILE)
    return isinstance(kind, int) and kind & 1 == 1 and tag(_SUB_IFDS) is not None


def is_image_name(name: str) -> bool:
    """Whether a file is called like an image."""
    return bool(_IMAGES.fullmatch(PurePath(name).suffix))


def files_of(names: Sequence[str]) -> list[str]:
    """The files meant by names of files, of folders (all images in them) and by patterns such as
    `*.jpg`, which not every shell spells out. What names nothing stands for itself."""
    return [file for name in names for file in _files_of(name) or [name]]


def _files_of(name: str) -> list[str]:
    path = Path(name)
    if path.is_dir():
        return [str(file) for file in sorted(path.rglob("*")) if _is_meant(file, path)]
    if path.exists() or not glob.has_magic(name):
        return [name]
    return [found for found in sorted(glob.glob(name, recursive=True)) if Path(found).is_file()]


def _is_meant(file: Path, folder: Path) -> bool:
    """Whether a file in a folder is an image, or called like one, and not hidden."""
    if any(part.startswith(".") for part in file.relative_to(folder).parts) or not file.is_file():
        return False
    if is_image_name(file.name):
        return True
    with file.open("rb") as stream:
        return kind_of(stream.read(HEAD)) is not None


def no_such_file(name: str) -> str:
    """Why there is nothing to read under a name that was given."""
    if Path(name).is_dir():
        return "There is no image in this folder."
    return "No file matches this pattern." if glob.has_magic(name) else "There is no such file."
