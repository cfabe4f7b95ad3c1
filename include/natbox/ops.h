/* What is between natbox and those who run it: the configuration that they write, and the log, the
 * event stream and the metrics that they read; and as which user natbox does that. In this order:
 *
 *     config_     natbox.ini and what is set over it
 *     identity_, privileges_, rights_   who natbox is, and as whom it opens what users lead it to
 *     log_        lines for people
 *     events_, event_   one JSON object for each thing that happens, and its line in the log
 *     metrics_    figures for Prometheus
 *     service_    what the service manager is told
 *     control_    what natboxctl asks and is told
 *
 * Here is what the other rooms need of it; the rest is private to src/ops. */
#ifndef NATBOX_OPS_H
#define NATBOX_OPS_H

#include <natbox/address.h>
#include <natbox/base.h>
#include <natbox/engine.h>
#include <natbox/report.h>
#include <natbox/settings.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Configuration: natbox.ini and the -o options, checked wholly before anything is used. One table
 * (src/ops/config/config_keys.c) has every key with its section, default, range and parser. */

#define CONFIG_PATH_DEFAULT "/etc/natbox/natbox.ini"

enum {
	CONFIG_PROXIES_MAX = 256, /* entries of natbox.proxy */
	CONFIG_PATH_MAX = 1024,   /* bytes of a path, with its zero */
	CONFIG_NAME_MAX = 32,     /* of a user or group (useradd's limit), with its zero */
	INTERFACE_MAX = 16,       /* IFNAMSIZ */
	SOCKET_PATH_MAX = 108,    /* sun_path */
	CONFIG_ERRORS_MAX = 64,   /* shown at once; a file with more is not a natbox.ini */
};

enum mode { MODE_SNIFF, MODE_RELAY, MODE_QUEUE };

/* As natbox.ini has them, by mode; NULL after the last. */
extern const char *const mode_names[];

/* Who installs and removes the kernel rules of the modes relay and queue. */
enum rules { RULES_AUTO, RULES_MANUAL };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* In log.events_of: what is written where nothing else is said, all but what comes with every
 * message or keepalive; in a replay all. */
enum {
	EVENTS_AUTO = 1 << EVENT_TYPES,
	EVENTS_FREQUENT = 1 << EVENT_KEEPALIVE | 1 << EVENT_REPLY | 1 << EVENT_REWRITE,
};

/* One entry of natbox.proxy. any: every address of this host; of address only the port counts. */
struct proxy_entry {
	bool any;
	struct address address;
};

struct config {
	struct settings core;
	enum mode mode;
	struct proxy_entry proxies[CONFIG_PROXIES_MAX];
	unsigned proxy_count; /* at least 1 */
	char interface[INTERFACE_MAX];
	char user[CONFIG_NAME_MAX]; /* empty: stay who started it */
	struct {
		char path[CONFIG_PATH_MAX]; /* empty: keep nothing */
		uint64_t sync_us;
	} state;
	struct {
		uint32_t in_port, out_port;
		uint32_t mark, own_mark, table;
		enum rules rules;
	} relay;
	struct {
		enum keepalive_path path;
	} keepalive; /* the rest of it is the core's */
	struct {
		uint32_t number;
	} queue;
	struct {
		char socket[SOCKET_PATH_MAX]; /* empty: none */
	} control;
	struct {
		struct address listen;       /* port 0: off */
		char group[CONFIG_NAME_MAX]; /* whose members may control; empty: nobody's */
	} metrics;
	struct {
		enum log_level level;
		char events[CONFIG_PATH_MAX]; /* "-": standard output; empty: none */
		unsigned events_of; /* set of enum event_type; with EVENTS_AUTO, these and more */
	} log;
};

/* Where a configuration is read from. */
struct config_source {
	const char *path;   /* NULL: CONFIG_PATH_DEFAULT */
	int wait_ms;        /* at most, for whoever writes it when it is a FIFO or a pipe */
	bool may_lack_file; /* with path NULL: the defaults serve where there is no such file */
	bool opens_nothing; /* a replay: ports, marks and table of the relay may collide */
	const char *const *overrides; /* SECTION.KEY=VALUE, the later over the earlier */
	unsigned override_count;
};

/* The path that it is read from. */
const char *config_path(const struct config_source *source);

/* What is wrong with one, each a whole line: "FILE:LINE: what" or "-o OPTION: what". */
struct config_errors {
	unsigned count; /* all of them; the list holds the first CONFIG_ERRORS_MAX */
	bool may_pass;  /* memory was short: tried again all may be good */
	struct fault list[CONFIG_ERRORS_MAX];
};

/* Reads and checks everything. 0, or -EINVAL with every error in *errors: *config is then not to
 * be used. Touches nothing but the file and *config. Not for several threads at once (inih). */
int config_read(
	const struct config_source *source, struct config *config, struct config_errors *errors);

/* A time such as 500ms, 25s, 10m or 12h; a bare number is seconds. False when it is none. */
bool config_duration(struct text value, uint64_t *us);

/* Privileges: who natbox is once its sockets are open. */

struct identity {
	const char *name; /* as given; empty: whoever started natbox */
	uid_t user;
	gid_t group;
};

/* Looks up natbox.user. 0, or -ENOENT with *fault set. */
int identity_find(const char *name, struct identity *identity, struct fault *fault);

/* Becomes that user for good, with his group alone and no capability but, where asked for,
 * CAP_NET_ADMIN. An empty name, or root's own: everything stays as it is. 0 or a negative errno,
 * with *fault set. */
int privileges_drop(const struct identity *identity, bool keep_net_admin, struct fault *fault);

/* Whether this process may become that user with privileges_drop: 0, or -EPERM with *fault set. */
int privileges_examine(const struct identity *identity, struct fault *fault);

/* The calling thread gives up every capability for good, and so do the threads that it starts;
 * others keep theirs. 0 or -EPERM. */
int privileges_forgo(void);

/* Neither this process nor a child of its gains a privilege by what it executes, for good. */
void privileges_freeze(void);

/* Rights, while natbox is root and is to become another user: what that user can make a path lead
 * to must not be opened with more rights than that user has. */

/* Whether natbox is root and will be another user. NULL: no. */
bool rights_differ(const struct identity *user);

/* Whether that user, when natbox is still root, can make this path lead elsewhere: a directory on
 * its way is his to change. Access control lists that go beyond the mode bits are not looked at.
 * NULL: no. */
bool rights_leads(const struct identity *user, const char *path);

/* From here to rights_return root has only the rights of that user; supplementary groups are gone
 * for good. 0 or a negative errno. */
int rights_take(const struct identity *user);
void rights_return(void);

/* Messages for people, one line each: to standard error, or to a file that is opened anew when the
 * operator has moved it away. There is one log in a process; before log_open it is standard error
 * at level info. Not for use by several threads at once.
 *
 * On standard error a line starts with "natbox: " and, unless it is an information, with its level;
 * where that is the journal, with the priority before it (sd-daemon(3)). In a file it starts with
 * the UTC time and the level. Whatever is not printable ASCII is shown as \xNN, so that nothing
 * from the wire can forge a second line or do something to a terminal.
 *
 * What cannot be written is lost; the next line that can is preceded by one that says how many. */

/* Longest line; what is longer is cut. Holds a struct fault with words around it. */
enum { LOG_LINE_MAX = 1024 };

/* Logs to the file at path, which is created or added to; NULL: standard error. owner: who
 * is to have it, with whose rights it is opened where that user can lead path elsewhere; NULL: who
 * natbox is. 0 or a negative errno: the log then stays what it was. path must live as long as the
 * log. */
int log_open(const char *path, const struct identity *owner, struct fault *fault);

/* From now on what a reader does not take is lost, instead of waited for. */
void log_never_wait(void);

/* Opens the file of log_open again, for log rotation. False: it cannot be opened; the log goes on
 * in the file it had, and says so. */
bool log_reopen(void);

/* Gives the file, where there is one, to that user, who is to open it again; not where that would
 * give away what is not natbox's. 0 or a negative errno. */
int log_give(const struct identity *identity);

void log_close(void); /* back to standard error */

/* How many levels more than the configuration says are logged, or fewer; from the next call of
 * log_configure on. */
void log_set_verbosity(int more);

void log_configure(enum log_level level); /* the configuration's */
void log_set_level(enum log_level level); /* whatever the verbosity, until log_configure */
enum log_level log_get_level(void);

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* What somebody has just asked for: as an information, and whatever the level. */
void log_answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Wrong usage or configuration, and what natbox ends with then. On standard error: the line as it
 * is, whatever the level. */
enum { EXIT_USAGE = 2 };
void log_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Messages of one kind that the wire can cause at any rate share a limit, which stays; start with
 * zeros. */
struct log_limit {
	uint64_t second; /* that the messages below were logged in, counted from 1 */
	unsigned logged;
	uint64_t left_out; /* since the last one logged */
	enum log_level level;
	char last[128];     /* one that was logged, its beginning */
	bool is_waited_for; /* by log_limits_end, in a list */
	struct log_limit *next;
};

/* Messages of one kind that are logged in one second: enough to see what goes on, too few to fill
 * a disk. */
enum { LOG_LIMIT_PER_SECOND = 4 };

/* Logs as above unless too many of this kind were logged in this second; says how many were left
 * out before it. now_us: any clock that does not jump back. */
void log_limited(struct log_limit *limit, uint64_t now_us, enum log_level level, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* Says how many were left out where a second has passed without one more. */
void log_limits_end(uint64_t now_us);

/* The event stream: what the core reports, as one JSON object a line (natbox.8, EVENTS). Every
 * line is valid JSON in UTF-8 whatever bytes a message from the wire held: what is not UTF-8
 * becomes U+FFFD, and no byte of it is a control character to a terminal. Lines wait
 * in memory for events_flush, or for their number to be large. */

struct events;

/* Opens the stream to the file at path, which is created or added to; "-" is standard output. NULL
 * when that cannot be done: *fault says why. owner: as log_open. It waits for no reader: what
 * does not fit is lost, in whole lines. Of malformed and of refused it has LOG_LIMIT_PER_SECOND a
 * second: the next one that is written says how many were left out. */
struct events *events_open(const char *path, const struct identity *owner, struct fault *fault);

/* Standard output, with every event, and waiting for whoever reads it: for a replay. */
struct events *events_open_whole(struct fault *fault);

/* Opens the file again, for log rotation. 0, also for standard output, or a negative errno: the
 * stream then goes on in the file it had. What waits is written to the old file first. */
int events_reopen(struct events *events, struct fault *fault);

/* Gives the file away as log_give. */
int events_give(const struct events *events, const struct identity *identity);

/* Which kinds are written from now on, a set of enum event_type or EVENTS_AUTO; all until then. */
void events_choose(struct events *events, unsigned kinds);

/* The kinds that are written; NULL: none. */
unsigned events_chosen(const struct events *events);

/* Whether half of what may wait is free: whoever has much to write that can wait should not write
 * it otherwise, as more than that may be lost. */
bool events_have_room(const struct events *events);

/* Wall clock minus the engine's clock, in microseconds, added to every time from now on. Zero at
 * first, as a replay wants it: a capture's clock is the wall clock. */
void events_set_offset(struct events *events, int64_t offset_us);

/* Writes an event, unless its kind is not. */
void events_write(struct events *events, const struct event *event);

/* The last line of a replay, at the engine's last time. */
void events_write_summary(
	struct events *events, uint64_t time_us, const struct engine_counters *counters);

/* What there is to be told of a stream. */
enum events_news {
	EVENTS_NO_NEWS,
	EVENTS_LOST,    /* lines cannot be written, and are lost; told once for each cause */
	EVENTS_UNREAD,  /* they wait in a FIFO that nobody reads; told once */
	EVENTS_RESUMED, /* they are written again */
};

/* Writes what waits: at the end of each turn of the loop when live. When there is news, *fault says
 * it: why whole lines are lost, or how many were. The stream can be used on either way. now_us: the
 * clock of the events. */
enum events_news events_flush(struct events *events, uint64_t now_us, struct fault *fault);

/* How many events were lost in all, by this stream and those before it. */
uint64_t events_lost(void);

/* Flushes, closes and frees. NULL is no stream: 0. A negative errno when events were lost for a
 * cause that events_flush has not told: *fault says so. */
int events_close(struct events *events, struct fault *fault);

/* What an event refused says, and which key changes it, where one does. */
const char *event_refusal(const struct event *event);

/* Logs the one line that the log has of each event at level debug. Ask for the level first: the
 * line is composed for nothing at any other. */
void event_log(const struct event *event);

/* Metrics, for Prometheus over HTTP: /metrics is its text, with the names and labels that
 * natbox.8 has, /healthz is 200 while the packet loop turns and 503 when it does not. For people
 * there is a status page at /, with what it asks for itself.
 *
 * A thread of its own answers. The loop never waits for it: now and then it leaves a snapshot, or
 * leaves it for the next turn while the last one is being read. What the thread can be made to do
 * from the network is bounded: connections, also of one address, their memory, and how long one may
 * be idle.
 *
 * Order of calls: metrics_open while natbox may still listen anywhere; metrics_start once
 * privileges are dropped, as they are a thread's own; then metrics_turned, metrics_publish and, for
 * what the page wants to know of endpoints, metrics_run from the loop; metrics_close. Times are
 * microseconds of CLOCK_BOOTTIME. */

/* Turns of the event loop are counted by how long they are, at most: microseconds. The last of the
 * counters is of those beyond. */
enum { TURN_BOUNDS = 10 };
extern const uint32_t turn_bounds_us[TURN_BOUNDS];

struct turn_lengths {
	uint64_t turns[TURN_BOUNDS + 1];
	uint64_t total_us; /* of all turns together */
};

/* By the clock, and by what the loop's thread had of a processor meanwhile. */
struct turn_counters {
	struct turn_lengths clock, processor;
};

/* When something was last seen, and when natbox was started: all who tell of it have it from here.
 * Found in what is counted anyway, when somebody looks, so that packets cost no more. */

struct sightings {
	uint64_t packets[DIRECTIONS]; /* so many at the last look */
	uint64_t seen_us[DIRECTIONS]; /* by the clock that is never set; 0: none was seen */
	uint64_t last_us[DIRECTIONS]; /* the same since 1970 */
	uint64_t boot_us;             /* of the start, by the clock that is never set */
	uint64_t started_us;          /* the same since 1970 */
};

/* The start. Times of CLOCK_BOOTTIME and CLOCK_REALTIME, in microseconds, here and below. */
void sightings_start(struct sightings *sightings, uint64_t boot_us, uint64_t wall_us);

/* A look: what has grown was seen now. A wall clock that was set moves the start along. */
void sightings_look(struct sightings *sightings, const struct engine_counters *counters,
	uint64_t boot_us, uint64_t wall_us);

/* What there is to tell, all of one moment. */
struct metrics_snapshot {
	struct engine_counters engine;
	uint64_t capture_drops; /* packets that the kernel lost because nobody took them in time */
	uint64_t keepalives_linked; /* of engine.keepalives: as frames, past the firewall */
	uint64_t state_lag_us;      /* state_lag */
	uint64_t event_lines_lost;
	bool keepalives_are_held; /* engine_holds_keepalives */
	bool keepalives_are_off;  /* a dry run, or by keepalive.scope */
	struct turn_counters turns;
	/* Of engine.of_proxies. */
	unsigned proxy_count;
	struct address proxies[PROXIES_COUNTED];
	/* The classes that natbox.ini has. */
	unsigned class_count;
	struct {
		char name[CLASS_NAME_MAX];
		uint32_t endpoints;
	} classes[CLASSES_MAX];
	struct sightings sightings;
};

enum {
	/* How often a snapshot is taken at most, but for what is told at once. Nobody asks more
	 * often, and the loop may turn some ten thousand times a second. */
	METRICS_SNAPSHOT_US = 250 * 1000,
};

struct metrics;

/* Listens there, and answers nobody yet. 0 or a negative errno with *fault set: the port is in use,
 * no such address, not allowed. */
int metrics_open(const struct address *listen, struct metrics **metrics, struct fault *fault);

/* Answers from now on, from a thread that takes no signals. The loop counts as having turned at
 * now_us. 0 or a negative errno with *fault set. */
int metrics_start(struct metrics *metrics, uint64_t now_us, struct fault *fault);

/* Something that is told at once, as a phone that is lost, has happened in this turn: whoever asks
 * from its end on is to know, also where the next turn is a second away. */
void metrics_changed(struct metrics *metrics);

/* The loop has come to the end of a turn. To be called from the loop itself and after everything in
 * it that can hang. True when it is time for a snapshot. */
bool metrics_turned(struct metrics *metrics, uint64_t now_us);

/* Leaves a snapshot; *snapshot is copied. */
void metrics_publish(
	struct metrics *metrics, const struct metrics_snapshot *snapshot, uint64_t now_us);

/* Readable when somebody asks for something that only the loop can find: then, and at each turn
 * while metrics_is_asked, metrics_run is to be called. */
int metrics_descriptor(const struct metrics *metrics);
bool metrics_is_asked(const struct metrics *metrics);

/* Goes on with that, for about so long. */
void metrics_run(struct metrics *metrics, struct engine *engine, uint64_t budget_us);

/* Stops listening and frees. NULL is fine. */
void metrics_close(struct metrics *metrics);

/* The service manager that has started natbox, where it waits to be told (sd_notify(3)): datagrams
 * to $NOTIFY_SOCKET, whichever user natbox is by then. There is one in a process. None of these
 * waits for it; without one all but service_open do nothing. Not for several threads at once. */

/* Before the others, from the environment. */
void service_open(void);

/* Whether there is one. */
bool service_listens(void);

/* What has changed: natbox does its work from now on, also after service_reloading; it reads its
 * configuration again; it ends. What cannot be told at once service_turned tells. */
void service_ready(void);
void service_reloading(void);
void service_stopping(void);

/* The loop has come to the end of a turn; metrics_turned says where to call it. Feeds the watchdog,
 * three times in the time that it has ($WATCHDOG_USEC). now_us: of CLOCK_BOOTTIME. True when it is
 * time for a service_status: every 5 s. */
bool service_turned(uint64_t now_us);

/* One line for people, who see it with the service; cut after 255 bytes. */
void service_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Control of a running natbox over a socket of the file system: who may asks in words, a line each,
 * and is answered in JSON, a line for each thing that there is, and one at the end (natboxctl.8,
 * PROTOCOL).
 *
 * All of it is done in the thread of the event loop, in slices between its turns, and nothing where
 * nobody has asked. A client's memory, requests and time are bounded, and it waits for nobody. */

#define CONTROL_SOCKET_DEFAULT "/run/natbox/natbox.sock"

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REQUEST_MAX = 4096, /* bytes of a line that asks, with its line end */
	CONTROL_PROXIES_SHOWN = 64,
};

/* What natbox is, and does for those who ask. */
struct control_host {
	const struct config *config; /* in force */
	const char *configuration;   /* its path */
	bool is_dry_run;
	void *context;
	void (*figures)(void *context, struct metrics_snapshot *snapshot);
	/* As at SIGHUP. NULL, or what stays as it was. What that logs is shown. */
	const char *(*reload)(void *context);
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

/* Whether control_open could make it, as far as can be told without: 0 or a negative errno with
 * *fault set. Leaves everything as it was. */
int control_examine(
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
