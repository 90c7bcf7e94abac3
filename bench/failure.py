# SPDX-License-Identifier: MIT
"""The one error of the bench."""


class Failure(Exception):
    """One sentence for the person who started the bench."""
