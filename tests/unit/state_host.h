/* A natbox with a state, and the file that it leaves behind. */
#ifndef STATE_HOST_H
#define STATE_HOST_H

#include "border.h"

#include <natbox/endpoints.h>
#include <natbox/state.h>

enum { NOTICES_MAX = 16384, SYNC_US = 1000 };

/* A natbox: a border with a state. */
struct host {
	struct border *border;
	struct state *state;
	char notices[NOTICES_MAX];
};

/* Of one test: the directory of everything, and in it that of the state. */
extern char directory[], path[256];
void state_setup(void);
void state_teardown(void);

struct host *host_open(const char *where);
struct host *host_open_with(
	const char *where, void (*add_proxy)(void *context, const struct address *proxy));
void host_add_proxy(void *context, const struct address *proxy);
struct endpoints *host_start(struct host *host);
void host_close(struct host *host);

/* The next natbox finds what a kill leaves now. */
void host_kill(struct host *host);

/* Another natbox, after a clean stop of this one. */
struct endpoints *host_restart(struct host **host);

/* Runs the loop until nothing waits any more; until such a notice has been given; or for a while,
 * in which something waits all the time. */
bool host_sync(struct host *host);
bool host_hears(struct host *host, const char *notice);
bool host_lags(struct host *host);

/* A reason with this number as its key, at an address of its own. */
uint32_t hold(struct endpoints *endpoints, unsigned number, enum reason_kind kind);

/* Leaves a state file with so many reasons behind. */
void leave(unsigned reasons);

unsigned count_reasons(struct host *host);

/* How many reasons another start finds. */
unsigned count_restored(void);

/* The name of the one file that was set aside; empty when there is none. */
void find_aside(char name[static 256]);

/* As before the first start. */
void remove_state(void);
/* The state goes to another place in it, whose path this writes. */
void move_state(char elsewhere[static 256]);

char *file_path(const char *name);
void write_file(const char *bytes, size_t length, off_t where);
size_t read_file(char *bytes, size_t size);

#endif
