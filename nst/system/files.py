"""Result files: checked to be writable before the run, and written atomically after it."""

from minigrad.files import (
    check_writable,
    make_folder,
    reason_of,
    replacing,
    write_atomically,
)

__all__ = ["check_writable", "make_folder", "reason_of", "replacing", "write_atomically"]
