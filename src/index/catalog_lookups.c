/* SPDX-License-Identifier: MIT */
#include "catalog_builder.h"

/*
 * By what an object can be found.
 */

/* A look-up by a number that says nothing when it is 0. */
static int add_number(struct lm_catalog_builder *builder, enum lookup_type type, uint64_t key,
		      lm_object_id id)
{
	return key ? builder_lookup(builder, type, key, id) : 0;
}

static int process_lookups(struct lm_catalog_builder *builder, lm_object_id id,
			   const struct lm_process *process)
{
	int r = builder_lookup(builder, LOOKUP_TGID, process->tgid, id);

	if (r == 0)
		r = add_number(builder, LOOKUP_NEXT_VERSION, process->previous, id);
	if (r == 0)
		r = add_number(builder, LOOKUP_EXE, process->exe, id);
	if (r == 0)
		r = add_number(builder, LOOKUP_EXE_NAME, process->exe_name, id);
	if (r == 0)
		r = add_number(builder, LOOKUP_CHILD, process->parent, id);
	return r;
}

static int name_lookups(struct lm_catalog_builder *builder, lm_object_id id,
			const struct lm_name *name)
{
	struct lm_str component = name->component;
	int r = builder_lookup(builder, LOOKUP_NAME_IN, key_of_name(name->dir, component), id);

	if (r == 0 && component.len > 0 && component.data[0] == '/')
		r = builder_lookup(builder, LOOKUP_NAME_ABSOLUTE, hash_text(component), id);
	return r;
}

static int address_lookup(struct lm_catalog_builder *builder, lm_object_id id,
			  const struct lm_address *address, bool remote)
{
	if (lm_address_is_inet(address))
		return builder_lookup(builder, remote ? LOOKUP_REMOTE : LOOKUP_LOCAL,
				      key_of_address(address, address->port), id);
	if (address->family != LM_AF_UNIX)
		return 0;
	return builder_lookup(builder, remote ? LOOKUP_REMOTE_PATH : LOOKUP_LOCAL_PATH,
			      hash_text(address->path), id);
}

static int socket_lookups(struct lm_catalog_builder *builder, lm_object_id id,
			  const struct lm_socket *socket)
{
	int r = add_number(builder, LOOKUP_SOCKET_INODE, socket->inode, id);

	if (r == 0)
		r = add_number(builder, LOOKUP_PEER_INODE, socket->peer_inode, id);
	if (r == 0)
		r = address_lookup(builder, id, &socket->remote, true);
	if (r == 0)
		r = address_lookup(builder, id, &socket->local, false);
	if (r == 0 && lm_address_is_inet(&socket->local) && lm_address_is_inet(&socket->remote))
		r = builder_lookup(builder, LOOKUP_FLOW,
				   key_of_flow(&socket->local, &socket->remote), id);
	return r;
}

int builder_row_lookups(struct lm_catalog_builder *builder, const struct object_row *row)
{
	const void *body = row->body;

	if (!body)
		return 0;
	switch (row->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return process_lookups(builder, row->id, body);
	case LM_OBJECT_KIND_FILE:
		return builder_lookup(builder, LOOKUP_FILE_INODE,
				      ((const struct lm_file *)body)->inode, row->id);
	case LM_OBJECT_KIND_NAME:
		return name_lookups(builder, row->id, body);
	case LM_OBJECT_KIND_SOCKET:
		return socket_lookups(builder, row->id, body);
	case LM_OBJECT_KIND_CONTENT:
		return add_number(builder, LOOKUP_CONTENT,
				  ((const struct lm_content *)body)->file, row->id);
	default:
		return 0;
	}
}
