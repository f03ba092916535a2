"""Result files: checked to be writable before the run, and written atomically after it; and small
files that are read with a bound."""

from minigrad.files import (
    check_link,
    check_writable,
    make_folder,
    read_bounded,
    reason_of,
    replacing,
    write_atomically,
)

__all__ = ["check_link", "check_writable", "make_folder", "read_bounded", "reason_of", "replacing",
           "write_atomically"]
