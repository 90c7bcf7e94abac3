/* SPDX-License-Identifier: MIT */
#pragma once

/** "openat" for 257; NULL for a number without a call. x86-64. Static. */
const char *lm_syscall_name(unsigned int number);

/** "read" for 22; NULL for a number without an operation. io_uring. Static. */
const char *lm_uring_op_name(unsigned int number);

/** "mmap2" for 192; NULL for a number without a call. The 32-bit entry of x86. Static. */
const char *lm_compat_name(unsigned int number);
