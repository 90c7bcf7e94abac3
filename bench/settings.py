# SPDX-License-Identifier: MIT
"""What the environment asks of the benches."""
import os

from failure import Failure


def number_of(variable, default, kind=int):
    """A number above zero from the environment."""
    text = os.environ.get(variable, "")
    try:
        value = kind(text) if text else default
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise Failure(f"{variable}={text} is no number above zero")
    return value
