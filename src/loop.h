/* The event loop. */
#ifndef NATBOX_LOOP_H
#define NATBOX_LOOP_H

#include <natbox/ops.h>

/* From here on SIGHUP and SIGUSR1 end nobody: they wait for loop_run. */
void loop_keep_signals(void);

/* Runs on the network until it is told to stop. source: where the configuration in *config comes
 * from, for when it is read again. dry_run: sends nothing and keeps no state. Returns the exit
 * status; what went wrong has been logged. */
int loop_run(const struct config_source *source, bool dry_run, struct config *config);

#endif
