/* The terminal that natboxctl top has. */
#ifndef NATBOX_CTL_TOP_TERMINAL_H
#define NATBOX_CTL_TOP_TERMINAL_H

#include <stdbool.h>

enum { TOP_ALARM_COLOUR = 1 }; /* the pair of colours, where there are colours */

/* Sets the terminal up. What cannot be was said: the exit status then, else CTL_DONE. */
int terminal_open(void);
void terminal_close(void);

/* Takes what was typed. False: it was q. *is_stale: all has to be drawn again. */
bool terminal_listen(bool *is_stale);

#endif
