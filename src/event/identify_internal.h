/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

#include "lemona/base/buffer.h"
#include "lemona/base/error.h"
#include "lemona/base/map.h"
#include "lemona/event/identify.h"
#include "lemona/event/rules.h"

/*
 * A set of numbered entries found by hash; the entries live elsewhere. A slot
 * keeps the hash too, so that a search touches only entries that are very likely the ones wanted.
 */
struct index_slot {
	uint32_t hash;
	uint32_t entry; /* + 1; 0 is free */
};

struct index_set {
	struct index_slot *slots;
	uint32_t mask;
	uint32_t count;
};

/* What a write to a file reaches. */
enum surface {
	SURFACE_UNKNOWN = 0,
	SURFACE_FILE = 1,
	SURFACE_KERNEL = 2,
	SURFACE_MEMORY = 3, /* a process's, through its /proc/PID/mem: see memory_files */
};

/* Everything with an inode: file, directory, socket, pipe, memory. */
struct inode_entry {
	uint64_t inode;
	uint32_t dev;
	uint32_t generation;
	lm_object_id object;
	lm_object_id name;   /* the name it was last seen under, or 0 */
	uint32_t segment, rdev; /* what it was told with last: see identify_repeat.c */
	uint16_t mode;       /* 0: not described yet (LM_OBJECT_PARTIAL) */
	uint8_t kind;        /* enum lm_object_kind */
	uint8_t memory;      /* enum lm_memory_type of memory */
	uint8_t surface : 2; /* enum surface */
	bool is_root : 1;    /* told as "/" of somebody */
	bool created : 1;    /* its creation or its end has been seen: another creation makes
			      * another object */
	bool again : 1;      /* may have been known before: LM_OBJECT_AGAIN */
	bool is_mount : 1;   /* its name is covered by it: LM_BINDING_MOUNT */
	uint8_t chances;     /* see identify_forget.c; as in all entries below */
	uint8_t flags;       /* as `segment` */
};

struct name_entry {
	lm_object_id object;
	lm_object_id dir;
	lm_object_id file;   /* what it is bound to now, or 0 */
	uint32_t segment;    /* as of inodes */
	char *text;          /* the component; owned */
	char *link;          /* where it is a symbolic link: its target; owned */
	uint16_t len, link_len; /* link_len 0: no link, or not known to be one */
	bool made_directory; /* by mkdir: whatever its inode, `name/..` is where it stands */
	bool of_directory;   /* what it is bound to is one */
	uint8_t chances;
	uint8_t flags;
};

/* A socket as it was described last. */
#define TOLD_SOCKETS 64u
struct told_socket {
	lm_object_id object; /* 0: free */
	struct lm_raw_socket raw;
};

struct mapping {
	uint64_t start, end;
	uint64_t flags; /* MAP_* */
	uint64_t prot;  /* PROT_* that it has or once had */
	lm_object_id object;
};

/* Descriptors as last seen, shared where the kernel shares them (CLONE_FILES). */
struct fd_table {
	uint32_t users;
	struct lm_map objects; /* fd -> object; 0 when closed */
};

struct process {
	uint32_t tgid;
	uint32_t threads;
	lm_object_id object;      /* current version */
	struct lm_process attributes; /* argv and comm point into `strings` */
	char comm[16];
	char *argv;               /* owned */
	struct fd_table *fds;     /* NULL: none seen yet */
	struct mapping *mappings; /* files mapped, unsorted */
	uint32_t mapping_count, mapping_capacity;
	uint32_t parent_tgid;  /* of `attributes.parent` */
	/* What `attributes` name by number, should it be forgotten. */
	struct {
		uint64_t inode;
		uint32_t dev;
	} cwd, root;
	uint32_t found_parent; /* not found itself yet, or 0 */
	bool self;
	bool has_rings; /* of io_uring: something may be under way when it ends */
	bool ended; /* its exit has been told; threads may still be on their way out */
};

struct cgroup_entry {
	uint64_t cgroup;
	uint32_t hierarchy;
	lm_object_id object;
	bool told; /* its path */
	bool again;
	uint8_t chances;
};

struct file_system {
	uint32_t dev;
	uint64_t magic;
	uint8_t uuid[16];
};

/* Paths that the running system has been asked about in vain, and when. */
#define MISSES 4096

struct miss {
	uint64_t hash;
	uint64_t time_ns;
};

/* What a request of io_uring has that a call has not. */
struct under_way {
	uint64_t begin_ns; /* when it was submitted; 0: not known */
	uint32_t worker;   /* thread that told its end, or 0 */
	struct lm_event *told; /* gets a copy of the event; NULL: not asked for */
};

#define REPORT_QUEUES 1024 /* hash slots */

struct name_report;

#define HOOKED_SLOTS 256 /* hash slots */

struct hooked;

struct report_queue {
	struct name_report *first, *last;
};

#define RECENT_THREADS 64

struct recent {
	uint32_t tid;
	struct process *process; /* NULL: free */
};

#define GONE_MAX 64

/* A thread that has ended: a call on it may end after it. */
struct gone {
	uint32_t tid;    /* in the initial namespace */
	uint32_t ns_pid; /* where it has that number, too; 0: in none but the initial one */
	uint64_t ns_key; /* of its process in `ns_numbers`, where that has ended; or 0 */
	lm_object_id object;
};

/* How many entries of a table there may be, and where to look for one to forget. */
struct room {
	uint32_t limit, hand;
	bool forgotten; /* some have been: what comes now may come again */
};

/* What the kernel side has told of the call whose own record comes next. */
struct content_parts {
	uint64_t time_ns;
	uint32_t tid;
	struct lm_event_content content; /* len 0: nothing */
	uint8_t *bytes;                  /* LM_CONTENT_MAX_BYTES; NULL: none told yet */
};

struct lm_identify {
	struct lm_identify_sink sink;
	struct content_parts parts;
	struct lm_event_content given; /* to the sink, for as long as that takes */
	struct lm_identify_devices devices;
	uint32_t self_tgid;

	/*
	 * Objects that are known, by number: twice the place in `names`, plus 1, or in
	 * `inodes`. Numbers of what was forgotten stay good to name it in the log.
	 */
	struct index_set object_set;
	lm_object_id last_object;
	uint32_t seed;

	struct room inode_room, name_room, cgroup_room;
	bool directories_gone; /* forgotten, and not yet told to the kernel side */
	uint64_t directories_told_ns;

	struct inode_entry *inodes;
	uint32_t inode_count, inode_capacity;
	struct index_set inode_set;

	struct name_entry *names;
	uint32_t name_count, name_capacity;
	struct index_set name_set;

	struct file_system *file_systems;
	uint32_t file_system_count, file_system_capacity;

	struct cgroup_entry *cgroups;
	uint32_t cgroup_count, cgroup_capacity;
	struct index_set cgroup_set;

	struct lm_map threads;    /* tid -> struct process * */
	struct lm_map memory_files; /* /proc/PID/mem by object -> number of process or thread */
	struct lm_map ns_numbers; /* ns_pid << 32 | number -> tgid */
	struct recent recent[RECENT_THREADS]; /* by tid: most records repeat one of a few */
	struct gone gone[GONE_MAX]; /* the last ones, in a circle */
	uint32_t gone_next;
	struct miss misses[MISSES];
	struct report_queue reports[REPORT_QUEUES]; /* by thread, change and name */
	struct report_queue open_reports[REPORT_QUEUES]; /* by thread and change: not taken yet */
	struct told_socket told_sockets[TOLD_SOCKETS]; /* by object number */
	struct lm_map name_calls; /* tid -> end of its last call that changed names */
	uint64_t calls_forgotten_ns;
	/* What hooks told of calls that have not ended, by tid. */
	struct hooked *hooked[HOOKED_SLOTS];

	struct repeating *repeating; /* NULL: nothing is told again */

	struct uring_requests *uring;     /* under way; NULL: none yet */
	const struct under_way *under_way; /* while the event of a request is made */
};

/* identify_table.c */
uint32_t hash_inode(uint32_t dev, uint64_t inode);
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);
/* Walk the entries of a hash: start with index_walk_from(), repeat until -1. */
struct index_walk {
	uint32_t hash, at;
};

static inline struct index_walk index_walk_from(uint32_t hash)
{
	return (struct index_walk){ hash, hash };
}

static inline int64_t index_set_next(const struct index_set *set, struct index_walk *walk)
{
	if (!set->slots)
		return -1;
	for (;;) {
		struct index_slot slot = set->slots[walk->at++ & set->mask];

		if (!slot.entry || slot.hash == walk->hash)
			return (int64_t)slot.entry - 1;
	}
}

int index_set_add(struct index_set *set, uint32_t hash, uint32_t entry);
/* Without effect on an entry that is not there. */
void index_set_remove(struct index_set *set, uint32_t hash, uint32_t entry);
/* Put another entry of the same hash in the place of one that is in the set. */
void index_set_replace(struct index_set *set, uint32_t hash, uint32_t entry, uint32_t with);
/* Make room for one more element of `size` bytes. @return 0; -ENOMEM */
int grow(void *array_ptr, uint32_t count, uint32_t *capacity, size_t size);

/* identify_forget.c */

/*
 * No two numbers have one hash: what a slot holds need not be looked at. Numbers that were given
 * one after the other are used one after the other: eight of them share a cache line of slots.
 */
static inline uint32_t hash_object(const struct lm_identify *id, lm_object_id object)
{
	uint32_t x = (object ^ id->seed) >> 3;

	x = ((x ^ x >> 15) * 0x05ebca6bu) & 0x1fffffffu;
	x = ((x ^ x >> 13) * 0x02b2ae35u) & 0x1fffffffu;
	return (x ^ x >> 15) << 3 | (object & 7);
}

static inline int64_t place_of_object(const struct lm_identify *id, lm_object_id object)
{
	struct index_walk walk = index_walk_from(hash_object(id, object));

	return index_set_next(&id->object_set, &walk);
}

/* The entry of an object that is known; NULL where it was forgotten, or is none of this table. */
static inline struct inode_entry *inode_of(const struct lm_identify *id, lm_object_id object)
{
	int64_t place = place_of_object(id, object);

	return place < 0 || place & 1 ? NULL : &id->inodes[place >> 1];
}

static inline struct name_entry *name_of(const struct lm_identify *id, lm_object_id object)
{
	int64_t place = place_of_object(id, object);

	return place < 0 || !(place & 1) ? NULL : &id->names[place >> 1];
}

static inline struct lm_str text_of(const struct name_entry *entry)
{
	return (struct lm_str){ entry->text, entry->len };
}

/* The next number. @return 0; -EOVERFLOW (all are used up) */
int new_object(struct lm_identify *id, lm_object_id *ret_object);
int know_inode(struct lm_identify *id, lm_object_id object, uint32_t at);
int know_name(struct lm_identify *id, lm_object_id object, uint32_t at);
/* A place for one more entry, all zero: where the table is full, that of one not used for long. */
int room_for_inode(struct lm_identify *id, uint32_t *ret_at);
int room_for_name(struct lm_identify *id, uint32_t *ret_at);
int room_for_cgroup(struct lm_identify *id, uint32_t *ret_at);
/* What has ended goes first. */
void hasten_inode(struct lm_identify *id, lm_object_id object);
void free_names(struct lm_identify *id);
/* Have the kernel side tell directories anew, where some were forgotten. */
void tell_forgotten(struct lm_identify *id, uint64_t now_ns);

#define CHANCES 1
#define CHANCES_DIRECTORY 3 /* all below it needs it */

static inline void use_inode(struct inode_entry *entry)
{
	uint8_t chances = S_ISDIR(entry->mode) ? CHANCES_DIRECTORY : CHANCES;

	if (entry->chances != chances)
		entry->chances = chances;
}

static inline void use_name(struct name_entry *entry)
{
	uint8_t chances = entry->of_directory ? CHANCES_DIRECTORY : CHANCES;

	if (entry->chances != chances)
		entry->chances = chances;
}

/* identify_keep.c */
struct repeating;
/* An entry goes: what it was told as may still be needed. */
void keep_inode_definition(struct lm_identify *id, const struct inode_entry *entry);
void keep_name_definition(struct lm_identify *id, const struct name_entry *entry);
void free_repeating(struct lm_identify *id);

/* identify_repeat.c */
/* Tell an item, and before it what it refers to that this segment does not have yet. */
int put_repeating(struct lm_identify *id, const struct lm_item *item);

/* All that is told goes this way. @return what the sink returned; -ENOMEM */
static inline int put_item(struct lm_identify *id, const struct lm_item *item)
{
	return id->repeating ? put_repeating(id, item) : id->sink.item(id->sink.data, item);
}

/* identify_object.c */
/* What is known of a file, but for its object's own members. */
void fill_file(const struct lm_identify *id, const struct inode_entry *entry, uint32_t rdev,
	       struct lm_file *file);
int emit_object(struct lm_identify *id, const struct lm_object *object);
/* What has this number; NULL: nothing that is told. Good until another is added. */
int find_entry(struct lm_identify *id, uint64_t time_ns, uint64_t inode, uint32_t dev,
	uint32_t mode, struct inode_entry **ret_entry);
int find_inode(struct lm_identify *id, uint64_t time_ns, uint64_t inode, uint32_t dev,
	uint32_t mode, lm_object_id *ret_object);
/* As describe_inode(), for what has just been made: never an object that was there before. */
int create_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
		 lm_object_id *ret_object);
/* The object of a socket, new or not; the caller defines it. */
int place_socket(struct lm_identify *id, uint32_t dev, uint64_t inode, bool created,
	lm_object_id *ret_object);
int describe_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
		   uint8_t flags, lm_object_id *ret_object);

/* What is no file, but found like one: by a number (tagged with its type) in a space of numbers. */
struct memory {
	uint8_t type;        /* enum lm_memory_type */
	bool created;        /* just made: never an object that was there before */
	bool described;      /* its label is known, or known to be none */
	uint32_t dev;
	uint64_t inode;
	struct lm_str label;
};

int describe_memory(struct lm_identify *id, uint64_t time_ns, const struct memory *memory,
		    lm_object_id *ret_object);
/* What has this number now, as far as it has been told, else 0. */
lm_object_id known_inode(struct lm_identify *id, uint32_t dev, uint64_t inode);
uint32_t hash_name(lm_object_id dir, struct lm_str component);
/* A name turns out to be a symbolic link. @return 0; -ENOMEM */
int take_link(struct name_entry *entry, struct lm_str target);
void drop_link(struct name_entry *entry);
int find_name(struct lm_identify *id, uint64_t time_ns, lm_object_id dir, struct lm_str component,
	      uint8_t flags, lm_object_id *ret_object);
/* The name object of (dir, component) if there is one, else 0. */
lm_object_id look_up_name(const struct lm_identify *id, lm_object_id dir, struct lm_str component);
void bind_name(struct lm_identify *id, lm_object_id name, lm_object_id file);
int emit_binding(struct lm_identify *id, uint64_t time_ns, lm_object_id file, lm_object_id name,
		 uint8_t flags);
int take_fs(struct lm_identify *id, const struct lm_raw_fs *raw);
int take_dir(struct lm_identify *id, const struct lm_raw_dir *raw);

const struct file_system *file_system_of(const struct lm_identify *id, uint32_t dev);

/* identify_control.c */
/* Calls on a descriptor that are told apart by an argument. */
void choose_fd_op(const struct lm_raw_fd *raw, struct lm_event *event);
/* Of an operation on the kernel what it was given is the second object. */
void turn_to_kernel(struct lm_event *event);
/* Does the number stand for a process? */
bool is_task_target(const struct lm_raw_task *raw);
/* Name, object and flags of what a call mounts. @return 0; what resolve() returns */
int set_mount_source(struct lm_identify *id, const struct lm_raw_path *raw,
		     const struct process *process, struct lm_str source, struct lm_event *event);
/* /dev/mem and its kin. */
bool is_memory_device(const struct lm_raw_inode *raw);
/* Is what is written to this file written into the kernel? */
bool changes_kernel(struct lm_identify *id, struct inode_entry *entry);

/* identify_process.c */
int process_of(struct lm_identify *id, const struct lm_raw *raw, struct process **ret_process);
/* The process that forked it, as far as that lives, or NULL. */
struct process *parent_of_process(struct lm_identify *id, const struct process *process);
int define_process(struct lm_identify *id, uint64_t time_ns, const struct process *process,
		   uint8_t flags);
struct process *process_by_tid(struct lm_identify *id, uint32_t tid);
int take_fork(struct lm_identify *id, const struct lm_raw_fork *raw);
int take_exec(struct lm_identify *id, const struct lm_raw_exec *raw);
int take_exit(struct lm_identify *id, const struct lm_raw_exit *raw);
int take_process(struct lm_identify *id, const struct lm_raw_process *raw);
void free_process(struct process *process);
/* Attributes of the raw record; what it does not hold stays. */
int set_attributes(struct lm_identify *id, uint64_t time_ns, struct process *process,
		   const struct lm_raw_attributes *raw);
int set_argv(struct process *process, const char *argv, uint32_t len);
void remember_fd(struct process *process, int fd, lm_object_id object);
lm_object_id recall_fd(const struct process *process, int fd);

/* A number in a pid namespace, as `ns_numbers` has it. */
static inline uint64_t ns_key(uint32_t ns_pid, uint32_t number)
{
	return (uint64_t)ns_pid << 32 | number;
}

/* Know the directories that its paths start from. @return 0; -ENOMEM; what the sink returned */
int recall_directories(struct lm_identify *id, uint64_t time_ns, struct process *process);

/* identify_task.c */
int take_task(struct lm_identify *id, const struct lm_raw_task *raw);
/**
 * The process of one of the last threads that have ended, or LM_OBJECT_NONE.
 * @param ns_pid  the namespace that tid is a number of; 0: the initial one
 */
lm_object_id gone_target_of(const struct lm_identify *id, uint32_t tid, uint32_t ns_pid);

/* identify_found.c */
int take_found(struct lm_identify *id, const struct lm_raw_process *raw);

/* identify_code.c */
/* Say that a process runs a file. `name`: as which; 0: under the one it was last seen with. */
void tell_code(struct lm_identify *id, const struct process *process, lm_object_id file,
	       lm_object_id name, bool found);

/* identify_cgroup.c */
int find_cgroup(struct lm_identify *id, uint64_t time_ns, uint32_t hierarchy, uint64_t cgroup,
		lm_object_id *ret_object);
int take_cgroup(struct lm_identify *id, const struct lm_raw_cgroup *raw);

/* identify_resolve.c */
struct place {
	lm_object_id name;   /* the last component, or 0 */
	lm_object_id object; /* where the path has no last component: ".", "/", "" */
};

/*
 * What a claimed path means to a process, walked through the names known so far; what is not known
 * is looked up in the running system where that can be done.
 *
 * @param start   directory of a relative path, or 0
 * @param follow  a symbolic link at the end is followed, as the call did
 */
int resolve(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	    lm_object_id start, struct lm_str path, bool follow, struct place *ret_place);

/* Have a name looked up, as the process sees it, if nothing is known of it. @return as look() */
int look_at_name(struct lm_identify *id, uint64_t time_ns, const struct process *process,
		 lm_object_id name);

/* identify_path.c */
/* Append the path of a directory entry as seen from `root`. @return false: not known */
bool append_path(struct lm_identify *id, lm_object_id name, lm_object_id root,
		 struct lm_buffer *out);
int take_path(struct lm_identify *id, const struct lm_raw_path *raw);
/* What a name stands for now, or 0. */
lm_object_id bound_file(struct lm_identify *id, lm_object_id name);
/* Keep the names as an event has left them. `target`: of a symbolic link. */
int apply_names(struct lm_identify *id, const struct lm_event *event, struct lm_str target);

/* identify_hook.c */
int take_name(struct lm_identify *id, const struct lm_raw_name *raw);
/*
 * At the end of a call: names and object as its hook told them, kept and put into the event. If it
 * failed they are forgotten.
 *
 * @param walked  the event has what the claimed path leads to
 * @return 1: done; 0: no hook has told anything, or the claim has to be walked first;
 *         negative codes
 */
int take_hooked(struct lm_identify *id, const struct lm_raw_path *raw, bool walked,
		struct lm_event *event);
void forget_hooked(struct lm_identify *id, uint32_t tid);
void free_hooked(struct lm_identify *id);

/* identify_confirm.c */
/* Put the kernel's word in the place of what a call claims, where there is one. */
int confirm_names(struct lm_identify *id, uint64_t time_ns, struct lm_event *event);
/* A request failed: what a hook told of it has not become true. */
void forget_request_names(struct lm_identify *id, const struct lm_event *event);
/* A file made by an event that is no claim: its report is spent. */
void take_created_report(struct lm_identify *id, const struct lm_event *event);
/* A thread's number is free: its reports are not the next one's. */
void end_thread_names(struct lm_identify *id, uint32_t tid, uint64_t time_ns);
/* Calls of a process (0: of any) were lost: reports that are left over may have been theirs. */
void settle_reports(struct lm_identify *id, uint32_t tgid);
void free_reports(struct lm_identify *id);

/* identify_memory.c */
int add_mapping(struct process *process, const struct mapping *mapping);
int copy_mappings(const struct process *parent, struct process *child);
/* The object of a shared mapping that is nobody's file. */
int share_memory(struct lm_identify *id, const struct lm_raw_fd *raw, lm_object_id *ret_object);
/* Events of what a child shares with files through its parent's mappings. */
int tell_inherited(struct lm_identify *id, const struct lm_raw *raw, const struct process *child);
/* The event of the ELF interpreter, which the kernel maps by itself: no call shows it. */
int tell_loader(struct lm_identify *id, const struct lm_raw *raw, const struct process *process);
int take_range(struct lm_identify *id, const struct lm_raw_range *raw);
int take_dirty(struct lm_identify *id, const struct lm_raw_dirty *raw);
/* What is opened is /proc/PID/mem, or not. */
int note_memory_file(struct lm_identify *id, const struct lm_raw_open *raw, lm_object_id file);
/* Emit a read or write; of /proc/PID/mem it is one of that process. */
int emit_io(struct lm_identify *id, const struct inode_entry *entry, const struct lm_event *event);

/* identify_ipc.c */
int take_ipc(struct lm_identify *id, const struct lm_raw_ipc *raw);

/* identify_key.c */
int take_key(struct lm_identify *id, const struct lm_raw_ipc *raw);

/* identify_socket.c */
int take_socket(struct lm_identify *id, const struct lm_raw_socket *raw);

/* identify_aside.c */
int take_call(struct lm_identify *id, const struct lm_raw_call *raw);
int take_turn(struct lm_identify *id, const struct lm_raw_turn *raw);

/* identify_content.c */
int take_content(struct lm_identify *id, const struct lm_raw_content *raw);
/** Give what was told of its call to an event that moved bytes. */
void add_content(struct lm_identify *id, struct lm_event *event);

/* identify_uring.c */
int take_uring(struct lm_identify *id, const struct lm_raw_uring *raw);
/* A process is about to end: what it has under way does, too. */
int end_requests(struct lm_identify *id, const struct lm_raw *exit);
void free_requests(struct lm_identify *id);
uint16_t op_of(uint16_t call);

/* identify.c */
/* An event with actor, times, call and flags filled in from its record. */
int begin_event(struct lm_identify *id, const struct lm_raw *raw, uint16_t op,
		struct process **ret_process, struct lm_event *ret_event);
int emit_event(struct lm_identify *id, const struct lm_event *event);
/* A gap: so many actions of which no more is known than the record says. */
int tell_unseen(struct lm_identify *id, const struct lm_raw *raw, uint64_t count);
