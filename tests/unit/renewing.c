#include "renewing.h"

#include "frames.h"
#include "own_network.h"
#include "wire/rules/alive.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void lay_rules(unsigned chains, const char *rule)
{
	char command[512];

	snprintf(command, sizeof(command),
		"{ echo 'table inet natbox {"
		" set alive4 { type ipv4_addr . inet_service; flags timeout; };"
		" set alive6 { type ipv6_addr . inet_service; flags timeout; }; }'; "
		"echo 'table inet other {'; for i in $(seq %u); do echo \"chain c$i { %s }\"; "
		"done; echo '}'; } | nft -f -",
		chains, rule);
	run(command);
}

pid_t start_renewing(void)
{
	const struct address proxy = address_of("192.0.2.1:5060");
	struct alive *alive;
	pid_t child;

	cr_assert_eq(alive_open(&proxy, 1, &alive), 0);
	cr_assert(alive_renew(alive) >= 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (alive_renew(alive) >= 0)
			;
		_exit(1);
	}
	alive_close(alive);
	return child;
}

void stop_renewing(pid_t child)
{
	cr_expect_eq(kill(child, SIGKILL), 0);
	cr_expect_eq(waitpid(child, NULL, 0), child);
}
