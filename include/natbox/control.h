/* Control of a running natbox over a socket of the file system: who may asks in words, a line each,
 * and is answered in JSON, a line for each thing that there is, and one at the end (natboxctl.8,
 * PROTOCOL).
 *
 * All of it is done in the thread of the event loop, in slices between its turns, and nothing where
 * nobody has asked. A client's memory, requests and time are bounded, and it waits for nobody. */
#ifndef NATBOX_CONTROL_H
#define NATBOX_CONTROL_H

#include <natbox/engine.h>
#include <natbox/ops.h>

#define CONTROL_SOCKET_DEFAULT "/run/natbox/natbox.sock"

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REQUEST_MAX = 4096, /* bytes of a line that asks, with its line end */
	CONTROL_PROXIES_SHOWN = 64,
};

/* What natbox has to say of itself. */
struct control_status {
	enum mode mode;
	bool is_dry_run;
	uint64_t since_us; /* when it was started, since 1970 */
	uint64_t up_us;
	const char *configuration, *state, *events; /* paths; empty: none */
	struct address metrics;                     /* port 0: not served */
	bool is_reviewing;                          /* new settings have not reached all */
	uint64_t state_lag_us;
	/* Since the last packet to a proxy, and from one, to a second; UINT64_MAX: never. */
	uint64_t last_in_us, last_out_us;
};

/* What natbox does for those who ask. */
struct control_host {
	void *context;
	void (*status)(void *context, struct control_status *status);
	void (*figures)(void *context, struct metrics_snapshot *snapshot);
	/* As at SIGHUP. False: the configuration stays as it was. What that logs is shown. */
	bool (*reload)(void *context);
};

/* What somebody wants to be told of while it happens, so that it costs nothing when nobody does. */
struct control_interest {
	unsigned events; /* set of 1 << enum event_type */
	bool packets;
};

struct control;

/* Makes the socket, at a path that no natbox listens on, and its directory where that is missing,
 * while natbox may still do so. identity: who natbox will be. group: whose members may ask too;
 * empty: root and that user alone. NULL with *fault set. */
struct control *control_open(
	const char *path, const char *group, const struct identity *identity, struct fault *fault);

/* Before anything below: whose control it is. interest is the host's to look at, and changes. */
void control_start(struct control *control, struct engine *engine, const struct control_host *host,
	struct control_interest *interest);

/* Removes the socket. NULL is fine. */
void control_close(struct control *control);

/* To be waited for: it is readable when a client has something to say or to take. */
int control_descriptor(const struct control *control);

/* Whether there is something to be done that control_descriptor does not tell of. */
bool control_has_work(const struct control *control);

/* Goes on with what has been asked for, for about so long. Times are the engine's. */
void control_run(struct control *control, uint64_t now_us, uint64_t budget_us);

/* About once a second: who does not read is dropped, and what has run out of time ends. */
void control_inspect(struct control *control, uint64_t now_us);

/* Where interest.events, interest.packets. outcome: what became of a datagram that came in; NULL
 * for one that natbox sends of its own. */
void control_event(struct control *control, const struct event *event);
void control_packet(struct control *control, uint64_t now_us, const struct flow *flow,
	struct text bytes, const struct outcome *outcome);

#endif
