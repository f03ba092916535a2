"""Watching gradients come about: step by step, as a picture, as a page, in time and memory."""

from ..hooks import Contribution, OperationCall, operation_hooks
from .record import record
from .walk import Kept, Sent, Step, trace
