#ifndef NATBOX_RELOAD_H
#define NATBOX_RELOAD_H

#include "live.h"

/* SIGHUP: files are opened anew for log rotation, and the configuration is read again. What can
 * change while natbox runs does, the rest is named in a warning. False: the file is bad, and
 * changes nothing. */
bool reload(struct live *live);

#endif
