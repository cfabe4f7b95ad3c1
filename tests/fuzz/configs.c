/* Fuzzer of natbox.ini: a file is good, or each error is a line that names it. */
#include <natbox/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static struct config_errors errors;
	const int fd = memfd_create("natbox.ini", MFD_CLOEXEC);
	struct config_source source = {.opens_nothing = true};
	char path[64];
	int result;

	expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source.path = path;
	result = config_read(&source, &config, &errors);
	close(fd);
	expect((result == 0) == (errors.count == 0));
	for (unsigned i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
		expect(strncmp(errors.list[i].line, path, strlen(path)) == 0);
	return 0;
}
