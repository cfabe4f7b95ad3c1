#include <natbox/ops.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SERVICE_STATUS_MAX = 256 };

/* Seldom enough for nobody to notice, often enough for whoever looks at systemctl status. */
static const uint64_t status_us = 5000000;

static struct {
	int fd; /* -1: nobody wants to be told */
	struct sockaddr_un manager;
	socklen_t manager_length;
	char untold[128];     /* the last change that it could not be told yet; empty: none */
	uint64_t watchdog_us; /* how often it wants to hear of the loop; 0: never */
	uint64_t watchdog_told_us, status_told_us;
} service = {.fd = -1};

/* Nobody is waited for. False: it could not be told now. */
static bool tell(const char *words)
{
	return sendto(service.fd, words, strlen(words), MSG_DONTWAIT | MSG_NOSIGNAL,
		       (const struct sockaddr *)&service.manager, service.manager_length) >= 0;
}

/* A change that cannot be told is told with the next turn, unless another has come by then. */
static void tell_change(const char *words)
{
	if (service.fd >= 0)
		snprintf(service.untold, sizeof(service.untold), "%s", tell(words) ? "" : words);
}

/* $WATCHDOG_USEC is for the process that $WATCHDOG_PID names, where it does. */
static uint64_t find_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10);
}

void service_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t length = path ? strlen(path) : 0;

	if (length < 2 || length > sizeof(service.manager.sun_path) ||
		(*path != '/' && *path != '@'))
		return;
	service.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	service.manager.sun_family = AF_UNIX;
	memcpy(service.manager.sun_path, path, length);
	if (*path == '@') /* a name that is in no directory */
		service.manager.sun_path[0] = 0;
	service.manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	service.watchdog_us = find_watchdog();
}

bool service_listens(void)
{
	return service.fd >= 0;
}

void service_ready(void)
{
	tell_change("READY=1");
}

void service_reloading(void)
{
	char words[sizeof(service.untold)];

	snprintf(words, sizeof(words), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)clock_us(CLOCK_MONOTONIC));
	tell_change(words);
}

void service_stopping(void)
{
	tell_change("STOPPING=1");
}

bool service_turned(uint64_t now_us)
{
	if (service.fd < 0)
		return false;
	if (*service.untold && tell(service.untold))
		*service.untold = 0;
	if (service.watchdog_us && now_us - service.watchdog_told_us >= service.watchdog_us / 3 &&
		tell("WATCHDOG=1"))
		service.watchdog_told_us = now_us;
	if (now_us - service.status_told_us < status_us)
		return false;
	service.status_told_us = now_us;
	return true;
}

void service_status(const char *format, ...)
{
	char line[sizeof("STATUS=") + SERVICE_STATUS_MAX] = "STATUS=";
	const size_t name = strlen(line);
	va_list arguments;

	if (service.fd < 0)
		return;
	va_start(arguments, format);
	vsnprintf(line + name, sizeof(line) - name, format, arguments);
	va_end(arguments);
	tell(line);
}
