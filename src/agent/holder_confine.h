/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes this process the key holder: from here on it can talk through descriptor 0, and do
 * nothing else. No file is opened, no socket made, no memory mapped; whatever else it tried
 * would end it. It has no capabilities, cannot be traced or dumped, and its memory is not swapped.
 *
 * What it will call has been called once before, so that libraries have loaded what they need.
 * The process has one thread.
 *
 * @param ret_step  what could not be done, for a sentence; static; untouched on success
 * @return 0; a negative errno
 */
int holder_confine(const char **ret_step);

/** Overwrite what calls that have returned left on the stack: keys were among it. */
void holder_wipe_stack(void);
