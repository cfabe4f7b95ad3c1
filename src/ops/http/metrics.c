#include "exposition.h"
#include "http.h"
#include "page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A few monitors and people ask, each over a connection or two. Whoever opens more from one
	 * address than that gets no more, and leaves the rest to others. */
	CONNECTIONS_MAX = 32,
	CONNECTIONS_PER_ADDRESS_MAX = 8,
	/* A connection over which nothing comes is closed after this long; one that was answered,
	 * at once. */
	IDLE_MAX_S = 5,
	/* Memory of a connection: a request with the headers that browsers send, and some to
	 * spare. */
	CONNECTION_BYTES = 8192,
	/* Connections that wait to be accepted. */
	BACKLOG = 16,
	/* How long they wait once more when no descriptor is free for one. */
	ACCEPT_RETRY_US = 100 * 1000,
	/* How often is looked for what the packet loop leaves undone. */
	WAKE_MS = 1000,
};

struct metrics {
	struct address listen;
	int listener;
	struct MHD_Daemon *daemon;
	pthread_t acceptor;
	bool accepts;
	atomic_bool stopping;
	atomic_uint connections;   /* handed to the daemon, and not closed yet */
	uint64_t published_us;     /* the loop's own */
	char text[EXPOSITION_MAX]; /* the thread's own */
	struct page page;          /* with what the loop leaves for all who ask */
};

static int explain(const struct address *listen, int error, struct fault *fault)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(listen, text);
	switch (error) {
	case -EADDRINUSE:
		return fault_set(fault, error,
			"cannot serve metrics on %s: the port is in use (another natbox?); stop "
			"that program or set metrics.listen to a free port",
			text);
	case -EADDRNOTAVAIL:
		return fault_set_kind(fault, FAULT_ABSENT, error,
			"cannot serve metrics on %s: this host has no such address; set "
			"metrics.listen to one that it has",
			text);
	case -EACCES:
		return fault_set_kind(fault, FAULT_LASTING, error,
			"cannot serve metrics on %s: not allowed; set metrics.listen to a port "
			"from 1024 on, or start natbox as root",
			text);
	default:
		return fault_set(fault, error,
			"cannot serve metrics on %s: %s; set metrics.listen to another address",
			text, strerror(-error));
	}
}

static int bind_to(int socket, const struct address *address)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};

	if (address_is_ipv4(address)) {
		memcpy(&ipv4.sin_addr, address->ip + 12, sizeof(ipv4.sin_addr));
		return bind(socket, (struct sockaddr *)&ipv4, sizeof(ipv4));
	}
	memcpy(&ipv6.sin6_addr, address->ip, sizeof(ipv6.sin6_addr));
	return bind(socket, (struct sockaddr *)&ipv6, sizeof(ipv6));
}

/* Connections of before that linger keep nobody from listening again. */
static int open_listener(struct metrics *metrics, struct fault *fault)
{
	const int family = address_is_ipv4(&metrics->listen) ? AF_INET : AF_INET6, on = 1;

	metrics->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (metrics->listener < 0 ||
		setsockopt(metrics->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind_to(metrics->listener, &metrics->listen) < 0 ||
		listen(metrics->listener, BACKLOG) < 0)
		return explain(&metrics->listen, -errno, fault);
	return 0;
}

int metrics_open(const struct address *listen, struct metrics **out, struct fault *fault)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int result;

	if (!metrics)
		return fault_set(fault, -ENOMEM, "no memory to serve metrics");
	metrics->listen = *listen;
	metrics->listener = -1;
	result = page_init(&metrics->page, listen);
	if (result != 0)
		fault_set(fault, result, "cannot serve metrics: %s", strerror(-result));
	else
		result = open_listener(metrics, fault);
	if (result != 0) {
		metrics_close(metrics);
		return result;
	}
	*out = metrics;
	return 0;
}

static enum MHD_Result send_metrics(struct metrics *metrics, struct MHD_Connection *connection)
{
	struct metrics_snapshot snapshot;
	size_t length;

	pthread_mutex_lock(&metrics->page.mutex);
	snapshot = metrics->page.snapshot;
	pthread_mutex_unlock(&metrics->page.mutex);
	length = exposition_write(&snapshot, metrics->text);
	return http_send(connection, &(struct http_answer){.status = MHD_HTTP_OK,
					     .type = "text/plain; version=0.0.4; charset=utf-8",
					     .bytes = metrics->text,
					     .length = length});
}

static enum MHD_Result send_health(struct metrics *metrics, struct MHD_Connection *connection)
{
	uint64_t turned_us = atomic_load_explicit(&metrics->page.turned_us, memory_order_relaxed);
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);
	char line[128];

	if (metrics_is_alive(turned_us, now_us))
		return http_send_line(connection, MHD_HTTP_OK, "ok\n");
	snprintf(line, sizeof(line), "the packet loop hangs: its last turn ended %llu s ago\n",
		(unsigned long long)((now_us - turned_us) / 1000000));
	return http_send_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, line);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	struct metrics *metrics = context;

	(void)version, (void)upload, (void)upload_size;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return http_send_line(
			connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return send_metrics(metrics, connection);
	if (strcmp(url, "/healthz") == 0)
		return send_health(metrics, connection);
	return page_answer(&metrics->page, connection, url, clock_us(CLOCK_BOOTTIME), request);
}

static void notified(void *context, struct MHD_Connection *connection, void **own,
	enum MHD_ConnectionNotificationCode code)
{
	struct metrics *metrics = context;

	(void)connection, (void)own;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		atomic_fetch_sub(&metrics->connections, 1);
}

/* The bound is not left to libmicrohttpd: 0.9.75 stands still for ever where more connections than
 * that wait for it at once. It closes what it does not take. */
static void hand_over(struct metrics *metrics, int connection, const struct sockaddr_storage *peer,
	socklen_t length)
{
	if (atomic_load(&metrics->connections) == CONNECTIONS_MAX) {
		close(connection);
		return;
	}
	atomic_fetch_add(&metrics->connections, 1);
	if (MHD_add_connection(
		    metrics->daemon, connection, (const struct sockaddr *)peer, length) != MHD_YES)
		atomic_fetch_sub(&metrics->connections, 1);
}

/* libmicrohttpd's own way to accept asks again at once where no descriptor is free, for ever. */
static void accept_one(struct metrics *metrics)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int connection = accept4(
		metrics->listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection >= 0)
		hand_over(metrics, connection, &peer, length);
	else if (errno != ECONNABORTED && errno != EINTR && errno != EAGAIN)
		usleep(ACCEPT_RETRY_US);
}

/* Takes connections, and takes up again those that were put aside. */
static void *accept_connections(void *context)
{
	struct metrics *metrics = context;
	struct errands *errands = &metrics->page.errands;
	struct pollfd polled[] = {{.fd = metrics->listener, .events = POLLIN},
		{.fd = errands->done, .events = POLLIN}};

	while (!atomic_load(&metrics->stopping)) {
		poll(polled, 2, WAKE_MS);
		errands_wake(errands, clock_us(CLOCK_BOOTTIME), page_resume);
		if (polled[0].revents)
			accept_one(metrics);
	}
	errands_close(errands, page_resume);
	return NULL;
}

/* Threads have the signal mask and the capabilities of the one that starts them. So one does that
 * has none: what strangers talk to needs no capability. */
static void *start_threads(void *context)
{
	struct metrics *metrics = context;
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_ADDRESS_MAX, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, IDLE_MAX_S, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)page_completed, &metrics->page},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)notified, metrics},
		{MHD_OPTION_END, 0, NULL},
	};

	if (privileges_forgo() != 0)
		return NULL;
	metrics->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
						   MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL, answer, metrics, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	metrics->accepts = metrics->daemon && pthread_create(&metrics->acceptor, NULL,
						      accept_connections, metrics) == 0;
	return NULL;
}

int metrics_start(struct metrics *metrics, uint64_t now_us, struct fault *fault)
{
	pthread_t starter;

	atomic_store(&metrics->page.turned_us, now_us);
	if (thread_start(&starter, start_threads, metrics) == 0)
		pthread_join(starter, NULL);
	if (!metrics->accepts)
		return fault_set(fault, -EIO, "cannot start a thread to serve metrics");
	return 0;
}

void metrics_changed(struct metrics *metrics)
{
	metrics->published_us = 0;
}

bool metrics_turned(struct metrics *metrics, uint64_t now_us)
{
	atomic_store_explicit(&metrics->page.turned_us, now_us, memory_order_relaxed);
	return now_us - metrics->published_us >= METRICS_SNAPSHOT_US;
}

void metrics_publish(
	struct metrics *metrics, const struct metrics_snapshot *snapshot, uint64_t now_us)
{
	if (pthread_mutex_trylock(&metrics->page.mutex) != 0)
		return; /* it is being read: the next turn tries again */
	metrics->page.snapshot = *snapshot;
	history_note(&metrics->page.history, snapshot, now_us);
	pthread_mutex_unlock(&metrics->page.mutex);
	metrics->published_us = now_us;
}

int metrics_descriptor(const struct metrics *metrics)
{
	return metrics->page.errands.asked;
}

bool metrics_is_asked(const struct metrics *metrics)
{
	return errands_are_open(&metrics->page.errands);
}

void metrics_run(struct metrics *metrics, struct engine *engine, uint64_t budget_us)
{
	errands_run(&metrics->page.errands, engine_endpoints(engine), budget_us);
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	atomic_store(&metrics->stopping, true);
	if (metrics->accepts) {
		shutdown(metrics->listener, SHUT_RDWR); /* poll returns */
		pthread_join(metrics->acceptor, NULL);
	}
	if (metrics->daemon)
		MHD_stop_daemon(metrics->daemon);
	if (metrics->listener >= 0)
		close(metrics->listener);
	page_free(&metrics->page);
	free(metrics);
}
