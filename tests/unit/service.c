/* What the service manager is told, as whoever reads its socket sees it. */
#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const uint64_t start_us = 1000000000;
static int manager;
static char text[1024];

/* name: as in $NOTIFY_SOCKET; an @ stands for the zero of an abstract name. */
static void listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = 0;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(manager, (const struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static void start_manager(void)
{
	char name[64];

	unsetenv("WATCHDOG_PID");
	snprintf(name, sizeof(name), "@natbox-test/%d", (int)getpid());
	listen_at(name);
}

static void stop_manager(void)
{
	close(manager);
}

/* The next datagram; empty: there is none. */
static const char *told(void)
{
	ssize_t length = recv(manager, text, sizeof(text) - 1, 0);

	text[length < 0 ? 0 : length] = 0;
	return text;
}

TestSuite(service, .init = start_manager, .fini = stop_manager);

Test(service, changes_are_told_in_the_words_of_sd_notify)
{
	unsigned long long since_us = 0;

	service_open();
	cr_expect(service_listens());
	service_ready();
	cr_expect_str_eq(told(), "READY=1");
	service_reloading();
	cr_expect_eq(sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%llu", &since_us), 1, "%s", text);
	cr_expect(since_us > 0);
	service_stopping();
	cr_expect_str_eq(told(), "STOPPING=1");
	service_status("%u endpoints", 7);
	cr_expect_str_eq(told(), "STATUS=7 endpoints");
}

Test(service, socket_may_be_in_a_directory)
{
	char path[] = "/tmp/natbox-service-XXXXXX", name[64];

	close(manager);
	cr_assert(mkdtemp(path));
	snprintf(name, sizeof(name), "%s/notify", path);
	listen_at(name);
	service_open();
	service_ready();
	cr_expect_str_eq(told(), "READY=1");
	unlink(name);
	rmdir(path);
}

Test(service, name_may_be_as_long_as_there_is_room)
{
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = "@";

	close(manager);
	memset(name + 1, 'n', sizeof(name) - 2);
	listen_at(name);
	service_open();
	service_ready();
	cr_expect_str_eq(told(), "READY=1");
}

Test(service, socket_of_another_kind_is_none)
{
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	service_open();
	cr_expect_not(service_listens());
}

Test(service, nobody_is_told_where_nobody_listens)
{
	unsetenv("NOTIFY_SOCKET");
	service_open();
	cr_expect_not(service_listens());
	service_ready();
	service_status("lost");
	cr_expect_not(service_turned(start_us));
	cr_expect_str_eq(told(), "");
}

Test(service, watchdog_is_fed_three_times_in_its_time_and_only_by_turns)
{
	setenv("WATCHDOG_USEC", "9000000", 1);
	service_open();
	service_turned(start_us);
	cr_expect_str_eq(told(), "WATCHDOG=1");
	service_turned(start_us + 2999999);
	cr_expect_str_eq(told(), "");
	service_turned(start_us + 3000000);
	cr_expect_str_eq(told(), "WATCHDOG=1");
	cr_expect_str_eq(told(), "");
}

Test(service, watchdog_of_another_process_is_not_fed)
{
	setenv("WATCHDOG_USEC", "9000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	service_open();
	service_turned(start_us);
	cr_expect_str_eq(told(), "");
}

Test(service, status_is_asked_for_every_five_seconds)
{
	service_open();
	cr_expect(service_turned(start_us));
	cr_expect_not(service_turned(start_us + 4999999));
	cr_expect(service_turned(start_us + 5000000));
}

/* The queue of a manager that does not read is some datagrams long. */
Test(service, change_that_could_not_be_told_is_told_later_and_nobody_waits)
{
	setenv("WATCHDOG_USEC", "9000000", 1);
	service_open();
	for (unsigned i = 0; i < 100000; i++)
		service_status("%u", i);
	service_reloading();
	service_ready();
	service_turned(start_us - 1);
	while (*told())
		cr_expect_eq(strncmp(text, "STATUS=", strlen("STATUS=")), 0, "%s", text);
	service_turned(start_us);
	cr_expect_str_eq(told(), "READY=1");
	cr_expect_str_eq(told(), "WATCHDOG=1");
	service_turned(start_us + 1);
	cr_expect_str_eq(told(), "");
}
