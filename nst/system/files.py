"""Results on the disk: found to be writable before the work, and written all at once after it."""

from minigrad.files import check_writable, replacing, write_atomically

__all__ = ["check_writable", "replacing", "write_atomically"]
