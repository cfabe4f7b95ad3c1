#ifndef NATBOX_RELOAD_H
#define NATBOX_RELOAD_H

#include "live.h"

/* SIGHUP: files are opened anew for log rotation, and the configuration is read again. What can
 * change while natbox runs does, the rest is named in a warning. NULL, or what stays as it was: the
 * configuration, as the file is bad, or a file that could not be opened. */
const char *reload(struct live *live);

#endif
