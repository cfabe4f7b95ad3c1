/* The bytes of a configuration file, read without waiting for what may never come. */
#ifndef NATBOX_CONFIG_FILE_H
#define NATBOX_CONFIG_FILE_H

#include <natbox/base.h>

/* What is larger is no natbox.ini, and may have no end at all. */
enum { CONFIG_FILE_MAX = 1024 * 1024 };

/* Reads a regular file, /dev/null, or what comes out of a FIFO or pipe within wait_ms, up to
 * CONFIG_FILE_MAX + 1 bytes; *bytes is the caller's to free. 0 or a negative errno, with *fault set
 * to what stands behind the path: "cannot open: ...". */
int config_file_read(
	const char *path, int wait_ms, char **bytes, size_t *length, struct fault *fault);

#endif
