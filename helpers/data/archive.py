"""Files inside a zip, read where they are: nothing is unpacked."""

import io
import os
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath


class Member(PurePosixPath):
    """The path of a file inside a zip: `folder/lyft.zip/dataA/CameraRGB/0.png`.

    It has what is used of a Path elsewhere: `open`, `stat`, `is_symlink`, and all of PurePath.
    """

    def open(self, mode: str = "rb") -> io.BytesIO:
        """The file's bytes; threads and forked processes may read at the same time.

        Raises OSError: the member is damaged or encrypted.
        """
        archive, inner = self._place()
        try:
            return io.BytesIO(_opened(archive, os.getpid()).read(inner))
        except OSError:
            raise
        except Exception as fault:  # zipfile, zlib and lzma each have errors of their own
            raise OSError(str(fault)) from None

    def stat(self) -> os.stat_result:
        """What the system knows of the zip: a change of any member changes it."""
        return self._place()[0].stat()

    def is_symlink(self) -> bool:
        return False

    def _place(self) -> tuple[Path, str]:
        folder = next(p for p in self.parents if p.suffix.lower() == ".zip")
        return Path(folder), self.relative_to(folder).as_posix()


def members(archive: Path) -> list[Member]:
    """All files in a zip. Raises OSError: it is no zip, or is cut off or damaged."""
    _opened.cache_clear()  # another zip may lie there by now
    try:
        names = _opened(archive, os.getpid()).namelist()
    except OSError:
        raise
    except Exception as fault:
        raise OSError(str(fault)) from None
    return [Member(archive, name) for name in names if not name.endswith("/")]


# after a fork, parent and child would move the same file's position: so one for each process
@lru_cache(8)
def _opened(archive: Path, process: int) -> zipfile.ZipFile:
    # a ZipFile that opened the file by itself closes it when threads miscount its readers
    return zipfile.ZipFile(archive.open("rb"))
