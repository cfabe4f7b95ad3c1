/* Those who ask, and what each of them has asked for. What is to be told waits in memory of a
 * client's own, which is bounded, until the client takes it. */
#ifndef NATBOX_CONTROL_CLIENT_H
#define NATBOX_CONTROL_CLIENT_H

#include "../json.h"
#include "../log/event_json.h"
#include "control_request.h"

#include <natbox/ops.h>

enum {
	/* The longest line. An endpoint's has up to so many reasons, each with names that may have
	 * to be escaped byte by byte; a trace's a datagram in base64. */
	REASONS_SHOWN_MAX = 64,
	REASON_LINE_MAX = JSON_BYTES_A_BYTE * (LABEL_MAX + LABEL_USER_MAX) + 128,
	ENDPOINT_LINE_MAX = REASON_LINE_MAX + 1024,
	SHOW_LINE_MAX = ENDPOINT_LINE_MAX + REASONS_SHOWN_MAX * REASON_LINE_MAX,
	LINE_MAX = EVENT_JSON_MAX > SHOW_LINE_MAX ? EVENT_JSON_MAX : SHOW_LINE_MAX,
	/* Room for one of these and many usual ones. Pages that are never reached cost nothing. */
	OUTPUT_MAX = LINE_MAX + 128 * 1024,
	/* Addresses of one address of record that a trace follows. */
	TRACED_MAX = 16,
};

enum control_job {
	JOB_NONE,
	JOB_WALK,  /* through the endpoints */
	JOB_WATCH, /* events */
	JOB_TRACE,
};

struct control_client {
	struct control *control; /* whose client it is */
	int fd;                  /* -1: nobody */
	bool has_ended;          /* it says no more */
	bool is_closing;         /* it is told what waits, and no more */
	bool is_blocked;         /* it has to take something first */
	bool is_gone;            /* nothing can be told it any more */
	uint32_t polled;         /* what epoll waits for */
	uint64_t moved_us;       /* when it last took something */
	size_t asked;            /* bytes of input */
	size_t used, taken;      /* bytes of output */
	char *output;

	enum control_job job;
	struct control_request request;
	uint32_t next;  /* endpoint that the walk goes on with */
	uint32_t last;  /* the last that there was when it began */
	uint32_t found; /* endpoints that were asked for; of a trace, messages */
	uint64_t lost;  /* lines that there was no room for, and that it has not been told of */
	uint64_t end_us;
	unsigned traced_count;
	struct address traced[TRACED_MAX];

	char input[CONTROL_REQUEST_MAX];
};

struct control {
	int epoll, listener;
	bool is_listening; /* off while no descriptor is free */
	char path[SOCKET_PATH_MAX];
	uint64_t device, inode; /* of the socket in the file system */
	uid_t user;
	gid_t group;
	bool has_group;
	struct engine *engine;
	struct control_host host;
	struct control_interest *interest;
	uint64_t now_us;
	int64_t offset_us; /* wall clock minus the engine's */
	unsigned watched;  /* kinds of events that somebody watches */
	struct control_client clients[CONTROL_CLIENTS_MAX];
	struct json line; /* that is being composed */
	char bytes[LINE_MAX];
};

/* Whether a line of so many bytes fits. */
bool client_has_room(const struct control_client *client, size_t bytes);

/* Adds the line that was composed, with a line end. False: there is no room, it is lost. */
bool client_put(struct control_client *client, const struct json *line);

/* Gives it what it takes now, some of it where that is much. */
void client_flush(struct control_client *client, uint64_t now_us);

/* Whether anything waits for it. */
static inline bool client_is_owed(const struct control_client *client)
{
	return client->used != client->taken;
}

/* Last lines of an answer: with what was composed beside it; why it cannot be. The client may ask
 * again. */
void client_done(struct control_client *client);
void client_fail(struct control_client *client, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Begins to compose a line, and one that client_done ends. */
struct json *line_start(struct control_client *client);
struct json *line_start_done(struct control_client *client);

/* Ends a line and adds it to what waits, as client_put. */
bool line_end(struct control_client *client);

/* What somebody wants to be told of may have changed: sees to interest. */
void control_note_interest(struct control *control);

#endif
