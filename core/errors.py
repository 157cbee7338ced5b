"""Everything that can go wrong in a way a person can act on.

    GraftError
    ├── BadInput            what was brought cannot be used as it is
    │   ├── UnreadableImage     one file is no usable image
    │   ├── UnreadableTable     a table is broken, hostile, or over a limit
    │   ├── RefusedArchive      an archive is broken, hostile, or over a limit
    │   └── UnusableDataset     too few classes, too few images
    ├── BadRecipe           a choice that does not exist or is out of range
    ├── Diverged            training ran away to infinity
    ├── WeightsUnavailable  pretrained weights cannot be had here
    │   └── HubUnreachable      nor downloaded at the moment (Hindered, too)
    ├── NotFound            an id that names nothing
    │   └── Damaged             a file that is no longer what was written
    ├── NotAllowed          somebody else may do this
    ├── Hindered            it lies outside: once that is put right, the same may go well
    │   ├── OutOfSpace          the disk is full
    │   ├── HomeUnusable        the home folder cannot be written to
    │   └── DatabaseUnavailable the database does not answer
    ├── HomeTooNew          the home folder was made by a newer version
    ├── DatabaseDamaged     the database cannot be read any more
    └── CannotStart         the home, its databases or the address cannot be used as they are

The message of every one of them is a sentence for the screen: what is wrong, where, and what
to do about it. It is shown as it is, so it never contains a traceback or markup.
"""


class GraftError(Exception):
    """Something went wrong that the person in front of the screen can do something about."""


class BadInput(GraftError):
    """What was brought cannot be used as it is."""


class UnreadableImage(BadInput):
    """One file cannot be used as an image. The message is the reason alone, without the name."""


class UnreadableTable(BadInput):
    """A table of labels cannot be read. The message is the reason alone, without the name."""


class RefusedArchive(BadInput):
    """An archive is broken, hostile, or larger than the limits allow."""


class UnusableDataset(BadInput):
    """The images are fine one by one, but together they cannot teach a classifier."""


class BadRecipe(GraftError):
    """A choice that does not exist, or an option outside its allowed range."""


class Diverged(GraftError):
    """The loss is no longer a number: the steps were too bold."""


class NotAllowed(GraftError):
    """Whoever acts may not do this; somebody else may."""


class Hindered(GraftError):
    """What was asked for is fine: once what hinders it is gone, trying again helps."""


class WeightsUnavailable(GraftError):
    """The pretrained weights of a backbone cannot be had on this machine."""


class HubUnreachable(WeightsUnavailable, Hindered):
    """They are not here, and where they could be downloaded from does not answer."""


class NotFound(GraftError):
    """An id that names nothing (any more)."""


class Damaged(NotFound):
    """A file on disk is no longer what was written, so what an id named is lost."""


class OutOfSpace(Hindered):
    """The disk is full."""


class HomeUnusable(Hindered):
    """The home folder is no folder, or cannot be written to."""


class HomeTooNew(GraftError):
    """The home folder, or the database, was made by a newer version of this program."""


class DatabaseUnavailable(Hindered):
    """The database of the metadata or of the queue does not answer, or not to us."""


class DatabaseDamaged(GraftError):
    """The database is there, but what is in it cannot be read."""


class CannotStart(GraftError):
    """The home folder, its databases or the server's address cannot be used as they are."""
