/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <string.h>
#include <sys/stat.h>

/* No name of the program interpreter is ever walked by a call: this is where it always is. */
#define LOADER_PATH "/lib64/ld-linux-x86-64.so.2"

void tell_code(struct lm_identify *id, const struct process *process, lm_object_id file,
	lm_object_id name, bool found)
{
	const struct inode_entry *inode = inode_of(id, file);
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	struct process *parent;
	struct lm_code code;

	if (!id->sink.code || !inode || inode->kind != LM_OBJECT_KIND_FILE ||
		!S_ISREG(inode->mode))
		return;
	code = (struct lm_code){
		.file = file, .tgid = process->tgid, .found = found,
		.inode = {
			.inode = inode->inode, .dev = inode->dev, .mode = inode->mode,
			.generation = inode->generation,
		},
	};
	parent = parent_of_process(id, process);
	code.parent_tgid = parent ? parent->tgid : 0;
	if (append_path(id, name ? name : inode->name, process->attributes.root, &path) &&
		!memchr(path.data, '\0', path.len))
		code.path = (struct lm_str){ (const char *)path.data, (uint32_t)path.len };
	else if (file == process->attributes.loader)
		code.path = LM_STR(LOADER_PATH);
	id->sink.code(id->sink.data, &code);
}

int lm_identify_content(struct lm_identify *id, const struct lm_content *content)
{
	struct lm_object object = {
		.kind = LM_OBJECT_KIND_CONTENT, .time_ns = content->time_ns, .content = *content,
	};
	const struct inode_entry *file = inode_of(id, content->file);
	int r;

	/* One that was forgotten meanwhile is no less in the log. */
	if (!content->file || content->file > id->last_object || name_of(id, content->file) ||
		(file && file->kind != LM_OBJECT_KIND_FILE))
		return -LM_E_FORMAT;
	r = new_object(id, &object.id);
	return r < 0 ? r : emit_object(id, &object);
}
