/* Preloaded, it has a library's function end the process that calls it, as that library does when
 * memory is short: while the file that ENDS names has the function's name in it. One that asks the
 * kernel never returns then. While the file has "slow" in it each of them takes a second longer. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_to_end(const char *function)
{
	FILE *file = fopen(getenv("ENDS"), "re");
	char name[64] = "";

	if (file) {
		if (fscanf(file, "%63s", name) != 1)
			name[0] = 0;
		fclose(file);
	}
	return strcmp(name, function) == 0;
}

static void *real(const char *function)
{
	if (is_to_end(function))
		exit(2);
	if (is_to_end("slow"))
		sleep(1);
	return dlsym(RTLD_NEXT, function);
}

int nft_run_cmd_from_buffer(void *context, const char *commands)
{
	int (*run)(void *, const char *) = real("nft_run_cmd_from_buffer");

	return run(context, commands);
}

int pcap_compile(void *pcap, void *program, const char *text, int optimize, unsigned netmask)
{
	int (*compile)(void *, void *, const char *, int, unsigned) = real("pcap_compile");

	return compile(pcap, program, text, optimize, netmask);
}

int getifaddrs(void *addresses)
{
	int (*get)(void *);

	while (is_to_end("getifaddrs"))
		pause();
	get = real("getifaddrs");
	return get(addresses);
}

void MHD_stop_daemon(void *daemon)
{
	void (*stop)(void *) = real("MHD_stop_daemon");

	stop(daemon);
}
