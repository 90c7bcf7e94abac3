/* SPDX-License-Identifier: MIT */
#include "verbs.h"

#include "lemona/event/event.h"

const char *verb_in(uint16_t op)
{
	switch (op) {
	case LM_OP_EXEC:
		return "ran";
	case LM_OP_OPEN:
		return "opened";
	case LM_OP_MMAP:
	case LM_OP_MPROTECT:
		return "mapped";
	case LM_OP_RECV:
		return "received";
	case LM_OP_ACCEPT:
		return "accepted";
	case LM_OP_STAT:
		return "looked at";
	case LM_OP_READDIR:
		return "listed";
	case LM_OP_FDRECV:
		return "was handed a descriptor through";
	case LM_OP_CONNECT:
		return "was answered by";
	case LM_OP_INSPECT:
		return "measured";
	case LM_OP_MOUNT:
		return "mounted";
	default:
		return "read";
	}
}

const char *verb_out(uint16_t op)
{
	switch (op) {
	case LM_OP_OPEN:
		return "created";
	case LM_OP_TRUNCATE:
		return "truncated";
	case LM_OP_RENAME:
		return "renamed";
	case LM_OP_LINK:
		return "linked";
	case LM_OP_SYMLINK:
		return "made the link";
	case LM_OP_MKDIR:
		return "made the directory";
	case LM_OP_MKNOD:
	case LM_OP_IPCGET:
		return "made";
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		return "removed";
	case LM_OP_CHMOD:
		return "changed the mode of";
	case LM_OP_CHOWN:
		return "changed the owner of";
	case LM_OP_UTIMES:
		return "changed the times of";
	case LM_OP_SETXATTR:
		return "changed attributes of";
	case LM_OP_SEND:
		return "sent";
	case LM_OP_CONNECT:
		return "connected";
	case LM_OP_MMAP:
	case LM_OP_MPROTECT:
		return "mapped, writable,";
	case LM_OP_FDSEND:
		return "handed over a descriptor through";
	case LM_OP_MOUNT:
		return "mounted";
	case LM_OP_UMOUNT:
		return "unmounted";
	case LM_OP_MODULE:
		return "loaded a module into the";
	case LM_OP_BPF:
		return "loaded a BPF program into the";
	case LM_OP_KEXEC:
		return "loaded another";
	case LM_OP_IOCTL:
	case LM_OP_CONTROL:
		return "controlled";
	case LM_OP_SETFLAGS:
		return "changed the flags of";
	case LM_OP_CLOCK:
		return "set the clock of the";
	case LM_OP_KERNEL:
		return "changed the";
	default:
		return "wrote";
	}
}
