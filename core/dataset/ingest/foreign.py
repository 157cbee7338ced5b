"""Files in which others keep whole data sets and that cannot be read here: what to do instead."""

import re

_WAY_OUT = "export its images into one folder per class and add those"
_FORMATS = (
    (r"tfrecords?(-\d+-of-\d+)?", "a TFRecord file"),
    (r"arrow|feather", "an Arrow file, as the datasets library saves it"),
    (r"pkl|pickle|joblib|pth?", "a Python pickle, which could run programs when opened"),
    (r"npz|npy", "a NumPy array"),
    (r"mat", "a MATLAB file"),
    (r"h5|hdf5|he5", "an HDF5 file"),
    (r"db|sqlite3?|sqlitedb", "a database"),
    (r"mdb|lmdb|accdb", "a database"),
    (r"rec", "an MXNet RecordIO file"),
    (r"beton", "an FFCV file"),
    (r"rds|rdata|rda", "an R file"),
    (r"sav|dta|sas7bdat", "a file of a statistics program"),
    (r"docx?|odt|rtf|pages", "a text document"),
    (r"pptx?|odp|key", "a slide deck"),
    (r"gsheet", "a link to a Google sheet"),
)
_TABLES = ("a text document", "a link to a Google sheet", "a file of a statistics program")
_BY_NAME = [
    *((re.compile(rf".*\.({endings})", re.IGNORECASE), what) for endings, what in _FORMATS),
    (
        re.compile(r"(.*/)?(data_batch_\d+|test_batch|batches\.meta)"),
        "a Python pickle, as CIFAR is",
    ),
]
_IDX = re.compile(r"(.*/)?(train|t10k|test|emnist.*)-(images|labels)[.-]idx\d-ubyte", re.IGNORECASE)


def foreign(name: str) -> str:
    """Why a file called so, which is no image, is left out; empty for any other file."""
    if _IDX.fullmatch(name):
        return f"This is an IDX file, like those of MNIST, which cannot be read here: {_WAY_OUT}."
    what = next((what for pattern, what in _BY_NAME if pattern.fullmatch(name)), "")
    if what in _TABLES:
        return f"This is {what}, which cannot be read here: save the table in it as CSV or XLSX."
    return f"This is {what}, which cannot be read here: {_WAY_OUT}." if what else ""
